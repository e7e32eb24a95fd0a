//! Sends a batch as one Kafka transaction.
//!
//! Nothing is ever repaired here: after any error the producer is dropped, and what the next one
//! finds in the topic decides where it goes on. Everything blocks.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use events::ids::Position;
use events::record::StoredRecord;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};

use super::Error;
use super::lease::LeaseView;
use crate::kafka::{self, Identity, KafkaConfig, message};
use crate::mutations::{Guard, without};

const INIT_TIMEOUT: Duration = Duration::from_secs(5);
/// Above what a broker needs to choose a new leader, below the transaction's own timeout.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
const TRANSACTION_TIMEOUT_MS: &str = "30000";
/// Between two looks at what was delivered.
const PAUSE: Duration = Duration::from_micros(200);

/// The one producer of the ledger's records: two clients that take turns. The broker says that a
/// transaction is committed, and then writes that into each partition; until it has, it refuses the
/// same client the next transaction, which librdkafka asks for again 20 ms later. The other client's it
/// takes at once. It begins after the one before is sure to be committed, so that the order stands.
pub(super) struct Producer {
    first: BaseProducer<Deliveries>,
    second: BaseProducer<Deliveries>,
    /// Batches so far.
    sent: AtomicUsize,
    topic: String,
}

/// A record on its way, with what its headers need to know.
pub(super) struct Outgoing {
    pub(super) record: StoredRecord,
    pub(super) partition: i32,
    /// Position of the record before it in the same partition.
    pub(super) previous: Position,
}

/// What became of the records of a batch.
#[derive(Default)]
struct Deliveries(Mutex<Delivered>);

#[derive(Default)]
struct Delivered {
    failed: Option<KafkaError>,
    /// The first and the last offset in each partition.
    offsets: BTreeMap<i32, (i64, i64)>,
}

impl Producer {
    /// Makes a producer and fences every older one.
    pub(super) fn create(
        config: &KafkaConfig,
        topic: &str,
        identity: &Identity,
    ) -> Result<Self, Error> {
        let fence = if without(Guard::OneRelay) {
            std::process::id().to_string()
        } else {
            identity.ledger_id.clone()
        };
        // The first keeps its id: fencing it also fences the relays of older releases.
        let ids = [format!("relay-{fence}"), format!("relay-{fence}.2")];
        // Each of them takes half a second.
        let [first, second] = thread::scope(|scope| {
            let started = ids.each_ref().map(|id| scope.spawn(|| client(config, id)));
            started.map(|client| client.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        Ok(Self {
            first: first?,
            second: second?,
            sent: AtomicUsize::new(0),
            topic: topic.to_owned(),
        })
    }

    /// Sends a batch: all of it is in the topic, or an error. `ends` are the offsets after the ends
    /// of the partitions, as last seen.
    pub(super) fn send(
        &self,
        batch: &[Outgoing],
        identity: &Identity,
        ends: &mut BTreeMap<i32, i64>,
        lease: &LeaseView,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + SEND_TIMEOUT;
        let client = match self.sent.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => &self.first,
            _ => &self.second,
        };
        client.context().reset();
        client.begin_transaction()?;
        for outgoing in batch {
            self.enqueue(client, outgoing, identity, deadline)?;
        }
        // `commit_transaction` flushes, and rdkafka's flush takes at least 100 ms unless everything
        // was delivered before.
        while client.in_flight_count() > 0 {
            serve(client);
            if Instant::now() >= deadline {
                return Err(KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut).into());
            }
        }
        let offsets = client.context().delivered()?;
        for (partition, (first, _)) in &offsets {
            if ends.get(partition).is_some_and(|end| first < end) {
                return Err(Error::TopicShrank);
            }
        }
        if !lease.holds() {
            return Err(Error::LeaseLost);
        }
        client.commit_transaction(SEND_TIMEOUT)?;
        ends.extend(
            offsets
                .into_iter()
                .map(|(partition, (_, last))| (partition, last + 1)),
        );
        Ok(())
    }

    fn enqueue(
        &self,
        client: &BaseProducer<Deliveries>,
        outgoing: &Outgoing,
        identity: &Identity,
        deadline: Instant,
    ) -> Result<(), Error> {
        let mut message = BaseRecord::to(&self.topic)
            .partition(outgoing.partition)
            .key(outgoing.record.stream.as_str())
            .payload(&outgoing.record.payload)
            .headers(message::headers(
                &outgoing.record,
                identity,
                outgoing.previous,
            ));
        loop {
            match client.send(message) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again))
                    if Instant::now() < deadline =>
                {
                    serve(client);
                    message = again;
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge), _)) => {
                    return Err(Error::TooLarge(outgoing.record.position));
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
    }
}

/// Makes a client and fences every older one. Blocks.
fn client(config: &KafkaConfig, id: &str) -> Result<BaseProducer<Deliveries>, KafkaError> {
    let client: BaseProducer<Deliveries> = config
        .client()
        .set("transactional.id", id)
        .set("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS)
        .set("message.timeout.ms", "10000")
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("compression.type", "lz4")
        // The commit is the border of a batch: waiting for more would only delay it.
        .set("linger.ms", "0")
        .set("message.max.bytes", "16000000")
        .create_with_context(Deliveries::default())?;
    client.init_transactions(INIT_TIMEOUT)?;
    Ok(client)
}

/// Takes in what was delivered, or sleeps for a moment.
#[expect(
    clippy::disallowed_methods,
    reason = "rdkafka's own wait spins through its last millisecond"
)]
fn serve(client: &BaseProducer<Deliveries>) {
    let before = client.in_flight_count();
    client.poll(Duration::ZERO);
    if client.in_flight_count() == before {
        thread::sleep(PAUSE);
    }
}

impl Deliveries {
    fn lock(&self) -> std::sync::MutexGuard<'_, Delivered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reset(&self) {
        *self.lock() = Delivered::default();
    }

    fn delivered(&self) -> Result<BTreeMap<i32, (i64, i64)>, KafkaError> {
        let mut delivered = self.lock();
        match delivered.failed.take() {
            Some(error) => Err(error),
            None => Ok(std::mem::take(&mut delivered.offsets)),
        }
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        kafka::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(error = %error, reason, "kafka client");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let mut delivered = self.lock();
        match result {
            Ok(message) => {
                let offset = message.offset();
                delivered
                    .offsets
                    .entry(message.partition())
                    .and_modify(|(first, last)| {
                        *first = offset.min(*first);
                        *last = offset.max(*last);
                    })
                    .or_insert((offset, offset));
            }
            Err((error, _)) => delivered.failed = Some(error.clone()),
        }
    }
}
