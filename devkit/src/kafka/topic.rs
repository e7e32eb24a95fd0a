//! What a topic holds, as any consumer sees it; and how it is deleted or cut off.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::metadata::MetadataPartition;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

/// How long Kafka may take for one request.
const REQUEST_MAX: Duration = Duration::from_secs(20);
/// How long it may take for one that is sent again when it fails.
const CHANGE_MAX: Duration = Duration::from_secs(5);
/// How long a transaction may stay open: longer than Kafka lets one of the relay's.
const SETTLE_MAX: Duration = Duration::from_mins(1);
/// How long reading the whole topic may take.
const READ_MAX: Duration = Duration::from_mins(2);

/// Kafka did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("Kafka could not be asked")]
pub struct Error(#[from] KafkaError);

/// What is committed in a topic.
#[derive(Debug)]
pub struct Topic {
    /// Its messages, in the order of each partition.
    pub messages: Vec<Message>,
    /// Whether no transaction was open in it: then there is nothing more.
    pub is_settled: bool,
}

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
}

impl Message {
    /// The one header of this name; fails the test when there is none, or more.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.find(name)
            .unwrap_or_else(|| panic!("{name} is not there once"))
    }

    /// The one header of this name.
    pub fn find(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(key, _)| key == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value),
            (Some(_) | None, _) => None,
        }
    }

    fn of(message: &BorrowedMessage<'_>) -> Self {
        let headers = message.headers().into_iter().flat_map(|headers| {
            headers
                .iter()
                .map(|header| (header.key.to_owned(), text(header.value)))
        });
        Self {
            partition: message.partition(),
            offset: message.offset(),
            key: text(message.key()),
            value: text(message.payload()),
            headers: headers.collect(),
        }
    }
}

fn text(bytes: Option<&[u8]>) -> String {
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}

/// A client as others have it.
pub fn client(brokers: &str) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", brokers)
        .set("group.id", "plain")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "10");
    client
}

/// Everything committed in a topic, once no transaction is open in it; nothing when there is no topic.
pub async fn read(brokers: &str, topic: &str) -> Result<Topic, Error> {
    let (brokers, topic) = (brokers.to_owned(), topic.to_owned());
    blocking(move || read_now(&brokers, &topic)).await
}

/// Deletes a topic; one that is not there is as good.
pub async fn delete(brokers: &str, topic: &str) -> Result<(), Error> {
    let admin: AdminClient<DefaultClientContext> = client(brokers).create()?;
    let options = AdminOptions::new().operation_timeout(Some(CHANGE_MAX));
    for deleted in admin.delete_topics(&[topic], &options).await? {
        match deleted {
            Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
            Err((_, code)) => return Err(KafkaError::AdminOp(code).into()),
        }
    }
    Ok(())
}

/// Cuts off everything that a topic holds now.
pub async fn truncate(brokers: &str, topic: &str) -> Result<(), Error> {
    let (name, config) = (topic.to_owned(), client(brokers));
    let ends = blocking(move || {
        let consumer: BaseConsumer = config.create()?;
        let mut ends = TopicPartitionList::new();
        for partition in partitions(&consumer, &name, CHANGE_MAX)? {
            let (_, end) = consumer.fetch_watermarks(&name, partition, CHANGE_MAX)?;
            ends.add_partition_offset(&name, partition, Offset::Offset(end))?;
        }
        Ok(ends)
    })
    .await?;
    let admin: AdminClient<DefaultClientContext> = client(brokers).create()?;
    let options = AdminOptions::new().operation_timeout(Some(CHANGE_MAX));
    let cut = admin.delete_records(&ends, &options).await?;
    let elements = cut.elements();
    let mut cut = elements.iter().map(TopicPartitionListElem::error);
    Ok(cut.try_for_each(|cut| cut)?)
}

async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let ran = tokio::task::spawn_blocking(run).await;
    ran.unwrap_or_else(|_panic| Err(KafkaError::Canceled.into()))
}

fn partitions(consumer: &BaseConsumer, topic: &str, longest: Duration) -> Result<Vec<i32>, Error> {
    let metadata = consumer.fetch_metadata(Some(topic), longest)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let partitions = found.map_or(&[][..], |topic| topic.partitions());
    Ok(partitions.iter().map(MetadataPartition::id).collect())
}

fn read_now(brokers: &str, topic: &str) -> Result<Topic, Error> {
    let consumer: BaseConsumer = client(brokers).create()?;
    let mut assignment = TopicPartitionList::new();
    let mut open = HashSet::new();
    for partition in partitions(&consumer, topic, REQUEST_MAX)? {
        assignment.add_partition_offset(topic, partition, Offset::Beginning)?;
        open.insert(partition);
    }
    let all: BaseConsumer = client(brokers)
        .set("isolation.level", "read_uncommitted")
        .create()?;
    let settled_by = Instant::now() + SETTLE_MAX;
    let mut settled = is_settled(&consumer, &all, topic, &open);
    while !settled && Instant::now() < settled_by {
        settled = is_settled(&consumer, &all, topic, &open);
    }
    consumer.assign(&assignment)?;
    let deadline = Instant::now() + READ_MAX;
    let mut messages = vec![];
    while !open.is_empty() {
        if Instant::now() >= deadline {
            let code = RDKafkaErrorCode::OperationTimedOut;
            return Err(KafkaError::MessageConsumption(code).into());
        }
        match consumer.poll(Duration::from_millis(100)) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                open.remove(&partition);
            }
            Some(Err(error)) => return Err(error.into()),
            Some(Ok(message)) => messages.push(Message::of(&message)),
        }
    }
    Ok(Topic {
        messages,
        is_settled: settled,
    })
}

/// Whether readers of what is committed see to the end of every partition. Kafka confirms a
/// transaction when it is sure to be committed; each partition shows it a moment later. One of a topic
/// that was just made may have no leader yet.
fn is_settled(
    committed: &BaseConsumer,
    all: &BaseConsumer,
    topic: &str,
    partitions: &HashSet<i32>,
) -> bool {
    partitions.iter().all(|partition| {
        let end = |of: &BaseConsumer| of.fetch_watermarks(topic, *partition, REQUEST_MAX);
        // All first: what is sent meanwhile is not taken for an open transaction.
        matches!((end(all), end(committed)), (Ok((_, last)), Ok((_, shown))) if shown >= last)
    })
}
