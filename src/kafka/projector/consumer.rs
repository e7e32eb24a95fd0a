//! The consumer: partitions as the group hands them out, each read from where the database says.
//!
//! Everything here runs on the projector's own thread: a rebalance calls back while the thread
//! polls, so the callback may ask the database and wait for its answer.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use sqlx::PgPool;
use tokio::runtime::Handle;

use super::Error;
use super::offsets::{self, PartitionOffset, PartitionOffsets, Scope};
use crate::kafka::message::{self, Received, Unreadable};
use crate::kafka::{self, Identity, KafkaConfig};

/// Most records in one transaction.
pub(super) const BATCH_MAX: usize = 500;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// What a poll brought.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) received: Vec<Received>,
    /// The message that ended the batch because it is no record.
    pub(super) unreadable: Option<Unreadable>,
    /// Something that librdkafka will get over by itself.
    pub(super) trouble: Option<KafkaError>,
    /// A partition does not have the offset that it was asked for.
    pub(super) out_of_range: bool,
    /// Whether the broker answered at all.
    pub(super) answered: bool,
}

/// A partition that this projector has now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Partition {
    pub(super) place: PartitionOffset,
    /// Since when everything committed in it was read.
    pub(super) at_end: Option<Instant>,
    /// When a record of it came last.
    pub(super) heard: Instant,
    /// Since when it is behind the relay's sent position.
    pub(super) behind: Option<Instant>,
}

/// A member of the projection's consumer group.
pub(super) struct Consumer {
    client: BaseConsumer<Assignment>,
    topic: String,
    ledger_id: String,
}

/// What the group handed out, and where to look up where that goes on.
struct Assignment {
    runtime: Handle,
    pool: PgPool,
    scope: Scope,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    partitions: BTreeMap<i32, Partition>,
    failed: Option<sqlx::Error>,
}

impl Consumer {
    pub(super) fn create(
        config: &KafkaConfig,
        identity: &Identity,
        pool: PgPool,
        scope: Scope,
    ) -> KafkaResult<Self> {
        let topic = scope.topic.clone();
        let group = format!("{topic}.{}.{}", scope.projection, identity.ledger_id);
        let client = config
            .consumer()
            .set("group.id", group)
            // The shortest that brokers allow by default: what a killed projector had is taken over
            // after six seconds.
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "1500")
            .create_with_context(Assignment {
                runtime: Handle::current(),
                pool,
                scope,
                state: Mutex::default(),
            })?;
        Ok(Self {
            client,
            topic,
            ledger_id: identity.ledger_id.clone(),
        })
    }

    /// How many partitions the topic has; none when there is no topic.
    pub(super) fn partition_count(&self) -> KafkaResult<Option<usize>> {
        let metadata = self
            .client
            .fetch_metadata(Some(&self.topic), REQUEST_TIMEOUT)?;
        let found = metadata.topics().iter().find(|t| t.name() == self.topic);
        let count = found.map(|topic| topic.partitions().len());
        Ok(count.filter(|count| *count > 0))
    }

    pub(super) fn subscribe(&self) -> KafkaResult<()> {
        self.client.subscribe(&[&self.topic])
    }

    /// The partitions held now.
    pub(super) fn partitions(&self) -> BTreeMap<i32, Partition> {
        self.state().partitions.clone()
    }

    /// Changes a partition, if it is still held.
    pub(super) fn update(&self, partition: i32, change: impl FnOnce(&mut Partition)) {
        if let Some(partition) = self.state().partitions.get_mut(&partition) {
            change(partition);
        }
    }

    /// Waits up to `timeout` for a record, then takes what else is there without waiting: a lone
    /// record is never held up, and behind a slow transaction a batch gathers by itself.
    pub(super) fn poll(&self, timeout: Duration) -> Result<Batch, Error> {
        let mut batch = Batch::default();
        let mut wait = timeout;
        while batch.received.len() < BATCH_MAX && batch.unreadable.is_none() {
            let Some(polled) = self.client.poll(wait) else {
                break;
            };
            match polled {
                Ok(message) => {
                    wait = Duration::ZERO;
                    batch.answered = true;
                    match message::receive(&message, &self.ledger_id) {
                        Ok(received) => {
                            self.update(received.partition, |partition| {
                                partition.at_end = None;
                                partition.heard = Instant::now();
                            });
                            batch.received.push(received);
                        }
                        Err(unreadable) => batch.unreadable = Some(unreadable),
                    }
                }
                Err(KafkaError::PartitionEOF(partition)) => {
                    wait = Duration::ZERO;
                    batch.answered = true;
                    self.update(partition, |partition| {
                        partition.at_end = Some(Instant::now());
                    });
                }
                Err(KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset)) => {
                    wait = Duration::ZERO;
                    batch.out_of_range = true;
                }
                Err(error) => {
                    batch.trouble = Some(error);
                    break;
                }
            }
        }
        match self.state().failed.take() {
            None => Ok(batch),
            Some(error) => Err(Error::Assignment(error)),
        }
    }

    /// The first offset that a partition has, and the one after its last.
    pub(super) fn range(&self, partition: i32) -> KafkaResult<(i64, i64)> {
        self.client
            .fetch_watermarks(&self.topic, partition, REQUEST_TIMEOUT)
    }

    /// Goes on from other places.
    pub(super) fn seek(&self, places: &PartitionOffsets) -> KafkaResult<()> {
        let mut list = TopicPartitionList::new();
        for (partition, place) in places {
            list.add_partition_offset(&self.topic, *partition, Offset::Offset(place.next_offset))?;
        }
        let sought = self.client.seek_partitions(list, REQUEST_TIMEOUT)?;
        for element in sought.elements() {
            element.error()?;
        }
        for (partition, place) in places {
            self.update(*partition, |partition| *partition = Partition::new(*place));
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.client.context().lock()
    }
}

impl Partition {
    fn new(place: PartitionOffset) -> Self {
        Self {
            place,
            at_end: None,
            heard: Instant::now(),
            behind: None,
        }
    }
}

impl Assignment {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what the group hands out, each partition from its place. When the database does not
    /// answer there is nothing to start from: the projector hears of it and begins anew.
    fn assign(
        &self,
        consumer: &BaseConsumer<Self>,
        list: &mut TopicPartitionList,
    ) -> KafkaResult<()> {
        let partitions: Vec<i32> = list
            .elements()
            .iter()
            .map(TopicPartitionListElem::partition)
            .collect();
        let open = offsets::open(&self.pool, &self.scope, &partitions);
        let places = match self.runtime.block_on(open) {
            Ok(places) => places,
            Err(error) => {
                self.lock().failed = Some(error);
                return consumer.unassign();
            }
        };
        for (partition, place) in &places {
            let offset = Offset::Offset(place.next_offset);
            list.set_partition_offset(&self.scope.topic, *partition, offset)?;
        }
        self.lock().partitions = places
            .into_iter()
            .map(|(partition, place)| (partition, Partition::new(place)))
            .collect();
        consumer.assign(list)
    }
}

impl ClientContext for Assignment {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        kafka::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(error = %error, reason, "kafka client");
    }
}

impl ConsumerContext for Assignment {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let result = if event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.assign(consumer, list)
        } else {
            self.lock().partitions.clear();
            consumer.unassign()
        };
        if let Err(error) = result {
            tracing::warn!(error = %error, "a rebalance failed");
        }
    }
}
