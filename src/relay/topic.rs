//! The topic as the relay finds it: made when missing, and read where it ends.
//!
//! The topic is the relay's cursor. Batches are sent in order of position, each in one transaction,
//! so the last committed record of each partition says what that partition has. It is read only
//! after `init_transactions` has returned: before that a batch may be half visible.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};

use super::Error;
use crate::kafka::{KafkaConfig, Quiet, message};

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
}

/// Where a partition ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    /// Position of its last record; 0 when it has none.
    pub(super) position: i64,
    /// Stream of that record.
    pub(super) stream: String,
    /// The offset after its end.
    pub(super) end: i64,
}

impl TopicReader {
    pub(super) fn create(config: &KafkaConfig, topic: &str) -> Result<Self, Error> {
        let consumer = config
            .consumer()
            .set("group.id", format!("{topic}.relay"))
            .set("fetch.wait.max.ms", "10")
            .create_with_context(Quiet)?;
        Ok(Self {
            consumer,
            topic: topic.to_owned(),
        })
    }

    /// How many partitions the topic has; none when there is no topic.
    pub(super) fn partitions(&self) -> Result<Option<i32>, Error> {
        let metadata = self
            .consumer
            .fetch_metadata(Some(&self.topic), REQUEST_TIMEOUT)?;
        let found = metadata.topics().iter().find(|t| t.name() == self.topic);
        let count = found.map_or(0, |topic| topic.partitions().len());
        let has_leaders = found.is_some_and(|topic| {
            topic.error().is_none() && topic.partitions().iter().all(|p| p.leader() >= 0)
        });
        Ok(i32::try_from(count)
            .ok()
            .filter(|count| *count > 0 && has_leaders))
    }

    /// Reads where every partition ends. Blocks.
    pub(super) fn tails(&self, partitions: i32) -> Result<Vec<Tail>, Error> {
        let deadline = Instant::now() + READ_TIMEOUT;
        let mut tails = vec![];
        let mut open = HashMap::new();
        for partition in 0..partitions {
            let (low, end) =
                self.consumer
                    .fetch_watermarks(&self.topic, partition, REQUEST_TIMEOUT)?;
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
            let from: Vec<_> = open
                .iter()
                .map(|(partition, (low, end))| (*partition, (end - window).max(*low)))
                .collect();
            self.read(&from, &mut tails, deadline)?;
            // Nothing but markers, aborted records or strangers so far: look further back.
            for (partition, start) in from {
                let found = tail(&mut tails, partition).is_some_and(|tail| tail.position > 0);
                if found || open.get(&partition).is_some_and(|(low, _)| start <= *low) {
                    open.remove(&partition);
                }
            }
            window = window.saturating_mul(16);
        }
        Ok(tails)
    }

    /// Reads partitions from offsets to their ends.
    fn read(
        &self,
        from: &[(i32, i64)],
        tails: &mut [Tail],
        deadline: Instant,
    ) -> Result<(), Error> {
        let mut assignment = TopicPartitionList::new();
        for (partition, offset) in from {
            assignment.add_partition_offset(&self.topic, *partition, Offset::Offset(*offset))?;
        }
        self.consumer.assign(&assignment)?;
        let mut unfinished = from.len();
        while unfinished > 0 {
            if Instant::now() >= deadline {
                return Err(KafkaError::Global(RDKafkaErrorCode::OperationTimedOut).into());
            }
            match self.consumer.poll(Duration::from_millis(100)) {
                None => {}
                Some(Err(KafkaError::PartitionEOF(_))) => unfinished -= 1,
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(message)) => {
                    let (Some(position), Some(tail)) = (
                        message::position(&message),
                        tail(tails, message.partition()),
                    ) else {
                        continue;
                    };
                    tail.position = tail.position.max(position);
                    let key = message.key().map(String::from_utf8_lossy);
                    tail.stream = key.unwrap_or_default().into_owned();
                }
            }
        }
        self.consumer.unassign()?;
        Ok(())
    }

    /// Where a partition ends now. Fails, too, when the topic is gone.
    pub(super) fn end(&self, partition: i32) -> Result<i64, Error> {
        let (_, end) = self
            .consumer
            .fetch_watermarks(&self.topic, partition, REQUEST_TIMEOUT)?;
        Ok(end)
    }
}

fn tail(tails: &mut [Tail], partition: i32) -> Option<&mut Tail> {
    tails.get_mut(usize::try_from(partition).ok()?)
}

/// Makes the topic. That somebody else just did is as good.
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
