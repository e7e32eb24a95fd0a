//! The topic as the relay finds it: made when missing, and read back from where it ends.
//!
//! The topic is the relay's cursor. Batches are sent in order of position, each in one transaction,
//! so the last committed record of each partition says what that partition has. It is read only
//! after `init_transactions` has returned: before that a batch may be half visible.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use events::ids::Position;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::{Offset, TopicPartitionList};

use super::Error;
use super::loss::Sent;
use crate::kafka::{Identity, KafkaConfig, Quiet, message};

/// Partitions of a new topic. Never change the number afterwards: streams would change partitions.
pub(super) const PARTITIONS: i32 = 12;
/// Far above the largest payload: a customer's metadata can outgrow a request's limit.
const MESSAGE_BYTES_MAX: &str = "16777216";
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// Offsets read at first from the end of a partition: a few records and commit markers.
const WINDOW: i64 = 16;

impl ConsumerContext for Quiet {}

/// A client that looks at the topic; it never joins a group.
pub(super) struct TopicReader {
    consumer: BaseConsumer<Quiet>,
    topic: String,
    ledger_id: String,
}

/// The last records of a partition.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    /// As many as were asked for, in order.
    pub(super) records: Vec<Sent>,
    /// The offset after its end.
    pub(super) end: i64,
}

impl Tail {
    /// Position of its last record; 0 when it has none.
    pub(super) fn position(&self) -> Position {
        self.records
            .last()
            .map_or(Position::START, |record| record.position)
    }
}

impl TopicReader {
    pub(super) fn create(
        config: &KafkaConfig,
        topic: &str,
        identity: &Identity,
    ) -> Result<Self, Error> {
        Self::with_isolation(config, topic, identity, "read_committed")
    }

    /// One to which also what no transaction has committed yet is there.
    pub(super) fn create_uncommitted(
        config: &KafkaConfig,
        topic: &str,
        identity: &Identity,
    ) -> Result<Self, Error> {
        Self::with_isolation(config, topic, identity, "read_uncommitted")
    }

    fn with_isolation(
        config: &KafkaConfig,
        topic: &str,
        identity: &Identity,
        isolation: &str,
    ) -> Result<Self, Error> {
        let consumer = config
            .consumer()
            .set("isolation.level", isolation)
            .set("group.id", format!("{topic}.relay"))
            .set("fetch.wait.max.ms", "10")
            .create_with_context(Quiet)?;
        Ok(Self {
            consumer,
            topic: topic.to_owned(),
            ledger_id: identity.ledger_id.clone(),
        })
    }

    /// How many partitions the topic has; none when there is no topic. A partition without a leader is
    /// an error.
    pub(super) fn partitions(&self) -> Result<Option<i32>, Error> {
        let metadata = self
            .consumer
            .fetch_metadata(Some(&self.topic), REQUEST_TIMEOUT)?;
        let found = metadata.topics().iter().find(|t| t.name() == self.topic);
        let Some(topic) = found.filter(|topic| topic.error().is_none()) else {
            return Ok(None);
        };
        if topic.partitions().iter().any(|p| p.leader() < 0) {
            return Err(Error::NoLeader);
        }
        let count = i32::try_from(topic.partitions().len()).ok();
        Ok(count.filter(|count| *count > 0))
    }

    /// Reads every partition back from its end, until its records are enough or all there are. Blocks.
    pub(super) fn tails(
        &self,
        partitions: i32,
        is_enough: impl Fn(&[Sent]) -> Result<bool, Error>,
    ) -> Result<Vec<Tail>, Error> {
        let mut tails = vec![];
        let mut open = BTreeMap::new();
        for partition in 0..partitions {
            let (low, end) = self.ends(partition)?;
            tails.push(Tail {
                end,
                ..Tail::default()
            });
            if low < end {
                open.insert(partition, (low, end));
            }
        }
        let mut window = WINDOW;
        while !open.is_empty() {
            let from: BTreeMap<i32, i64> = open
                .iter()
                .map(|(partition, (low, end))| (*partition, (end - window).max(*low)))
                .collect();
            for (partition, records) in self.read(&from)? {
                let whole = open.get(&partition).map(|(low, _)| low) == from.get(&partition);
                if whole || is_enough(&records)? {
                    open.remove(&partition);
                }
                let index = usize::try_from(partition).unwrap_or(usize::MAX);
                if let Some(tail) = tails.get_mut(index) {
                    tail.records = records;
                }
            }
            window = window.saturating_mul(2);
        }
        Ok(tails)
    }

    /// Reads partitions from offsets to their ends. Markers, aborted records and what strangers sent
    /// are passed over.
    fn read(&self, from: &BTreeMap<i32, i64>) -> Result<BTreeMap<i32, Vec<Sent>>, Error> {
        let mut assignment = TopicPartitionList::new();
        for (partition, offset) in from {
            assignment.add_partition_offset(&self.topic, *partition, Offset::Offset(*offset))?;
        }
        self.consumer.assign(&assignment)?;
        let mut read: BTreeMap<i32, Vec<Sent>> =
            from.keys().map(|partition| (*partition, vec![])).collect();
        let mut unfinished: BTreeSet<i32> = from.keys().copied().collect();
        let mut deadline = Instant::now() + READ_TIMEOUT;
        while !unfinished.is_empty() {
            match self.poll() {
                None if Instant::now() >= deadline => {
                    return Err(KafkaError::Global(RDKafkaErrorCode::OperationTimedOut).into());
                }
                None => continue,
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    unfinished.remove(&partition);
                }
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(message)) if message::position(&message).is_none() => {}
                Some(Ok(message)) => {
                    let received = message::receive(&message, &self.ledger_id)?;
                    read.entry(received.partition)
                        .or_default()
                        .push(received.record.into());
                }
            }
            deadline = Instant::now() + READ_TIMEOUT;
        }
        self.unassign()?;
        Ok(read)
    }

    /// Where a partition begins and ends now. Fails, too, when the topic is gone.
    pub(super) fn ends(&self, partition: i32) -> Result<(i64, i64), Error> {
        Ok(self
            .consumer
            .fetch_watermarks(&self.topic, partition, REQUEST_TIMEOUT)?)
    }

    /// Where a partition ends now. Fails, too, when the topic is gone.
    pub(super) fn end(&self, partition: i32) -> Result<i64, Error> {
        Ok(self.ends(partition)?.1)
    }

    /// Goes on reading in one partition, from an offset.
    pub(super) fn assign(&self, partition: i32, offset: i64) -> Result<(), Error> {
        let mut assignment = TopicPartitionList::new();
        assignment.add_partition_offset(&self.topic, partition, Offset::Offset(offset))?;
        Ok(self.consumer.assign(&assignment)?)
    }

    /// Ends reading.
    pub(super) fn unassign(&self) -> Result<(), Error> {
        Ok(self.consumer.unassign()?)
    }

    /// What comes next, if it comes soon. Blocks.
    pub(super) fn poll(&self) -> Option<KafkaResult<BorrowedMessage<'_>>> {
        self.consumer.poll(Duration::from_millis(100))
    }
}

/// Makes the topic. If another process just did, that is as good.
pub(super) async fn create(config: &KafkaConfig, topic: &str) -> Result<(), Error> {
    let admin: AdminClient<Quiet> = config.client().create_with_context(Quiet)?;
    // -1: the broker's own default number of replicas.
    let new = NewTopic::new(topic, PARTITIONS, TopicReplication::Fixed(-1))
        .set("cleanup.policy", "delete")
        .set("retention.ms", "-1")
        .set("retention.bytes", "-1")
        .set("max.message.bytes", MESSAGE_BYTES_MAX);
    let options = AdminOptions::new().operation_timeout(Some(REQUEST_TIMEOUT));
    for result in admin.create_topics([&new], &options).await? {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(KafkaError::AdminOp(code).into()),
        }
    }
    Ok(())
}
