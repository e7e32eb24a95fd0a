//! Where in the topic a record is: its offset, and when it was sent.
//!
//! Nothing keeps that, because the topic itself says it: in each partition, records stand in order of
//! position. So a record is found by halving.
//!
//! Kafka confirms a transaction before each partition shows it. Where one is still open, a record that
//! is not found may be there in a moment.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use events::ids::{Position, StreamId};
use jiff::Timestamp;
use rdkafka::Message as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;

use super::Error;
use super::topic::TopicReader;
use crate::kafka::{Identity, KafkaConfig, message, partition};

/// How long it may take to find records, all together.
const PATIENCE: Duration = Duration::from_secs(10);
/// Positions between two records of a partition that are sooner read through than found by halving.
const NEAR: i64 = 100_000;

/// Where a record is in the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    /// The partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// When the relay sent it, by the relay's clock.
    pub sent: Option<Timestamp>,
}

/// A position and the stream whose record is there.
pub(crate) type Sought = (Position, StreamId);

/// Finds records, by position; none is one that the topic has not, or no more. Left out are those that
/// a transaction may bring that is still open.
pub(crate) async fn locate(
    config: &KafkaConfig,
    topic: &str,
    identity: &Identity,
    sought: Vec<Sought>,
) -> Result<BTreeMap<Position, Option<Located>>, Error> {
    let committed = TopicReader::create(config, topic, identity)?;
    let all = TopicReader::create_uncommitted(config, topic, identity)?;
    tokio::task::spawn_blocking(move || find(&committed, &all, sought)).await?
}

/// Looks in each partition for what belongs there. Blocks.
fn find(
    reader: &TopicReader,
    all: &TopicReader,
    sought: Vec<Sought>,
) -> Result<BTreeMap<Position, Option<Located>>, Error> {
    let deadline = Instant::now() + PATIENCE;
    let mut found = BTreeMap::new();
    let Some(partitions) = reader.partitions()? else {
        let missing = sought.into_iter().map(|(position, _)| (position, None));
        return Ok(missing.collect());
    };
    let mut by_partition: BTreeMap<i32, Vec<Position>> = BTreeMap::new();
    for (position, stream) in sought {
        let of = partition::of(&stream, usize::try_from(partitions).unwrap_or(0));
        let of = i32::try_from(of).unwrap_or(0);
        by_partition.entry(of).or_default().push(position);
    }
    for (partition, mut positions) in by_partition {
        positions.sort_unstable();
        // In this order: what was sent before stands before both ends, if they are the same.
        let committed = reader.end(partition)?;
        if committed >= all.end(partition)? {
            found.extend(positions.iter().map(|position| (*position, None)));
        }
        for near in positions.chunk_by(|a, b| b.since(*a) <= NEAR) {
            let Some((first, last)) = near.first().zip(near.last()) else {
                continue;
            };
            let from = lower_bound(reader, partition, *first, deadline)?;
            reader.assign(partition, from)?;
            while let Some((position, located)) = next(reader, deadline)? {
                if near.binary_search(&position).is_ok() {
                    found.insert(position, Some(located));
                }
                if position >= *last {
                    break;
                }
            }
        }
    }
    reader.unassign()?;
    Ok(found)
}

/// The least offset from which on no record has a smaller position.
fn lower_bound(
    reader: &TopicReader,
    partition: i32,
    position: Position,
    deadline: Instant,
) -> Result<i64, Error> {
    let (mut low, mut high) = reader.ends(partition)?;
    while low < high {
        let middle = low + (high - low) / 2;
        reader.assign(partition, middle)?;
        match next(reader, deadline)? {
            Some((there, located)) if there < position => low = located.offset + 1,
            Some(_) | None => high = middle,
        }
    }
    Ok(low)
}

/// The next record, if there is one before the partition's end.
fn next(reader: &TopicReader, deadline: Instant) -> Result<Option<(Position, Located)>, Error> {
    while Instant::now() < deadline {
        match reader.poll() {
            None => {}
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(None),
            Some(Err(error)) => return Err(error.into()),
            Some(Ok(message)) => {
                if let Some(position) = message::position(&message) {
                    return Ok(Some((position, located(&message))));
                }
            }
        }
    }
    Err(KafkaError::Global(RDKafkaErrorCode::OperationTimedOut).into())
}

fn located(message: &BorrowedMessage<'_>) -> Located {
    let sent = message.timestamp().to_millis();
    Located {
        partition: message.partition(),
        offset: message.offset(),
        sent: sent.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
    }
}
