//! What Kafka has, and what of it the store lost.
//!
//! A store that was restored, or failed over to a copy that lagged, is a younger self: its history is
//! the beginning of the one that Kafka knows, and may have gone on differently, at the same
//! positions. So whatever Kafka has in common with the store comes before all that it has not: if
//! the last record of a topic is in the store, every one is; if it is not, reading back finds the
//! first that is missing.
//!
//! Topics of later epochs are looked at, too: the store may be older than an accepted loss.

use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::runtime::Handle;

use super::Error;
use super::lease::Lease;
use super::loss::{Loss, Sent};
use super::producer::Producer;
use super::topic::{Tail, TopicReader};
use crate::event_store::reader;
use crate::kafka::{self, Identity, KafkaConfig};

/// What one producer found before it sent anything. Dropping it blocks.
pub(super) struct Survey {
    pub(super) producer: Producer,
    /// The topic of the store's epoch, if it is there.
    pub(super) current: Option<(TopicReader, Vec<Tail>)>,
    /// What Kafka has and the store has not, if there is anything.
    pub(super) loss: Option<Loss>,
}

/// The relay's lease, held by a process that does not relay, and what stands in Kafka meanwhile.
pub struct Halt {
    /// What the store lost, if anything.
    pub loss: Option<Loss>,
    _lease: Lease,
}

/// Keeps every relay from starting, and looks what the store lost. None when a relay runs.
pub(crate) async fn halt(
    config: &KafkaConfig,
    lease: &PgConnectOptions,
    identity: &Identity,
    store: &PgPool,
) -> Result<Option<Halt>, Error> {
    let Some(lease) = Lease::acquire_now(lease).await? else {
        return Ok(None);
    };
    let loss = take(config, identity, store).await?.loss;
    Ok(Some(Halt {
        loss,
        _lease: lease,
    }))
}

/// Takes a survey on a thread of its own.
pub(super) async fn take(
    config: &KafkaConfig,
    identity: &Identity,
    store: &PgPool,
) -> Result<Survey, Error> {
    let (config, identity, store) = (config.clone(), identity.clone(), store.clone());
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || Survey::take(&config, &identity, &store, &runtime)).await?
}

impl Survey {
    /// Makes a producer, which ends what an older one was about to send, and looks. Blocks.
    fn take(
        config: &KafkaConfig,
        identity: &Identity,
        store: &PgPool,
        runtime: &Handle,
    ) -> Result<Self, Error> {
        let topic = kafka::topic(&config.prefix, identity.epoch);
        let producer = Producer::create(config, &topic, identity)?;
        let has = |record: &Sent| Ok(runtime.block_on(reader::has(store, record.into()))?);
        let mut current = None;
        let (mut records, mut topics) = (vec![], vec![]);
        let mut epoch = identity.epoch;
        loop {
            let topic = kafka::topic(&config.prefix, epoch);
            let reader = TopicReader::create(config, &topic, identity)?;
            let partitions = reader.partitions()?;
            if let Some(partitions) = partitions {
                let tails = reader.tails(partitions, |records| Ok(!records.is_empty()))?;
                let missing = missing(&reader, &tails, has)?;
                if !missing.is_empty() {
                    topics.push(topic);
                    records.extend(missing);
                }
                if epoch == identity.epoch {
                    current = Some((reader, tails));
                }
            } else if epoch > identity.epoch {
                break;
            }
            epoch += 1;
        }
        records.sort_by_key(|record| record.position);
        let range = records.first().zip(records.last());
        let range = range.map(|(first, last)| (first.position, last.position));
        let loss = range.map(|(first, last)| Loss {
            first,
            last,
            topics,
            records,
            next_epoch: epoch,
        });
        Ok(Self {
            producer,
            current,
            loss,
        })
    }
}

/// The records of a topic that the store has not.
fn missing(
    reader: &TopicReader,
    tails: &[Tail],
    has: impl Fn(&Sent) -> Result<bool, Error>,
) -> Result<Vec<Sent>, Error> {
    let last = tails.iter().filter_map(|tail| tail.records.last());
    match last.max_by_key(|record| record.position) {
        None => return Ok(vec![]),
        Some(last) if has(last)? => return Ok(vec![]),
        Some(_) => {}
    }
    let partitions = i32::try_from(tails.len()).unwrap_or(i32::MAX);
    let tails = reader.tails(partitions, |records| {
        records.first().map_or(Ok(false), &has)
    })?;
    let mut missing = vec![];
    for mut tail in tails {
        missing.extend(tail.records.split_off(known(&tail.records, &has)?));
    }
    Ok(missing)
}

/// How many of a partition's records the store has: they come first.
fn known(mut records: &[Sent], has: impl Fn(&Sent) -> Result<bool, Error>) -> Result<usize, Error> {
    let mut known = 0;
    while let (earlier, [middle, later @ ..]) = records.split_at(records.len() / 2) {
        if has(middle)? {
            known += earlier.len() + 1;
            records = later;
        } else {
            records = earlier;
        }
    }
    Ok(known)
}
