//! Which partition a stream belongs to.
//!
//! The relay has to know it before it sends: each record names the one before it in its partition,
//! and after a partition lost its tail only that partition is filled again. A projector has to know
//! it to fetch a partition's records from the store. It is what Java's clients choose by default
//! (librdkafka: `murmur2_random`), so that others' topics keyed by stream join ours.

/// The partition of a key, of `count` partitions.
pub fn of(key: &str, count: usize) -> usize {
    let hash = murmur2(key.as_bytes()) & 0x7fff_ffff;
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    usize::try_from(hash.checked_rem(count).unwrap_or(0)).unwrap_or(0)
}

/// `MurmurHash2`, 32 bits, with the seed that Kafka's clients share.
fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const FACTOR: u32 = 0x5bd1_e995;
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut hash = SEED ^ length;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut word = u32::from_le_bytes(*word).wrapping_mul(FACTOR);
        word ^= word >> 24;
        hash = hash.wrapping_mul(FACTOR) ^ word.wrapping_mul(FACTOR);
    }
    if !rest.is_empty() {
        let mut last = [0; 4];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        hash = (hash ^ u32::from_le_bytes(last)).wrapping_mul(FACTOR);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(FACTOR);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rdkafka::ClientConfig;
    use rdkafka::producer::{FutureProducer, FutureRecord};

    use super::*;
    use devkit::broker::Broker;

    #[tokio::test]
    async fn a_key_goes_where_other_clients_would_send_it() {
        let broker = Broker::start(&[("keys", 12)]).unwrap();
        let producer: FutureProducer = ClientConfig::new()
            .set("bootstrap.servers", broker.brokers())
            .set("partitioner", "murmur2_random")
            .create()
            .unwrap();
        let streams = (0..20_u128).map(|n| ulid::Ulid::from_parts(1_700_000_000_000, n * 7919));
        let odd = ["a", "ab", "abc", "abcd", "abcde"].map(str::to_owned);
        for key in streams.map(|stream| stream.to_string()).chain(odd) {
            let record = FutureRecord::to("keys").key(&key).payload("");
            let delivery = producer
                .send(record, Duration::from_secs(10))
                .await
                .unwrap();
            assert_eq!(
                delivery.partition,
                i32::try_from(of(&key, 12)).unwrap(),
                "{key}"
            );
        }
    }
}
