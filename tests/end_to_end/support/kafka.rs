//! The real Kafka: where it is, a prefix for each test, and a plain consumer.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use customer_ledger::kafka::{KafkaConfig, topic};
use rdkafka::admin::AdminClient;
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

const PATIENCE: Duration = Duration::from_secs(20);

/// A configuration with a topic of the test's own.
pub(crate) fn config() -> KafkaConfig {
    KafkaConfig {
        brokers: brokers(),
        prefix: format!("test{:016x}", rand::random::<u64>()),
        embedded: false,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests have no configuration but this"
)]
fn brokers() -> String {
    std::env::var("KAFKA_BROKERS")
        .expect("KAFKA_BROKERS names no Kafka: run the tests with `./dev test`, which starts one")
}

/// A message as any consumer sees it.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Message {
    /// The one header of this name.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut found = self.headers.iter().filter(|(key, _)| key == name);
        let (Some((_, value)), None) = (found.next(), found.next()) else {
            panic!("{name} is not there once");
        };
        value
    }

    #[track_caller]
    pub(crate) fn position(&self) -> i64 {
        self.header("ce_ledgerposition").parse().unwrap()
    }
}

/// A client as others have it: it knows nothing of the ledger.
pub(crate) fn client(config: &KafkaConfig) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", &config.brokers)
        .set("group.id", "plain")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "10");
    client
}

/// An administrator.
pub(crate) fn admin(config: &KafkaConfig) -> AdminClient<DefaultClientContext> {
    client(config).create().unwrap()
}

/// Everything committed in the topic of the first epoch, in the order of each partition; nothing when
/// there is no topic.
pub(crate) async fn read(config: &KafkaConfig) -> Vec<Message> {
    read_topic(config, &topic(&config.prefix, 1)).await
}

/// Everything committed in a topic, once no transaction is open in it.
pub(crate) async fn read_topic(config: &KafkaConfig, topic: &str) -> Vec<Message> {
    let (config, topic) = (config.clone(), topic.to_owned());
    tokio::task::spawn_blocking(move || read_now(&config, &topic))
        .await
        .unwrap()
}

fn read_now(config: &KafkaConfig, topic: &str) -> Vec<Message> {
    let consumer: BaseConsumer = client(config).create().unwrap();
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).unwrap();
    let mut assignment = TopicPartitionList::new();
    let mut open = HashSet::new();
    for partition in metadata.topics()[0].partitions() {
        assignment
            .add_partition_offset(topic, partition.id(), Offset::Beginning)
            .unwrap();
        open.insert(partition.id());
    }
    let deadline = Instant::now() + PATIENCE;
    let all: BaseConsumer = client(config)
        .set("isolation.level", "read_uncommitted")
        .create()
        .unwrap();
    while !is_settled(&consumer, &all, topic, &open) {
        assert!(Instant::now() < deadline, "a transaction stays open");
    }
    consumer.assign(&assignment).unwrap();
    let mut messages = vec![];
    while !open.is_empty() {
        assert!(Instant::now() < deadline, "the topic has no end");
        match consumer.poll(Duration::from_millis(100)) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                open.remove(&partition);
            }
            Some(Err(error)) => panic!("{error}"),
            Some(Ok(message)) => messages.push(Message {
                partition: message.partition(),
                offset: message.offset(),
                key: text(message.key()),
                value: text(message.payload()),
                headers: message
                    .headers()
                    .map(|headers| {
                        let pair = |h: rdkafka::message::Header<'_, &[u8]>| {
                            (h.key.to_owned(), text(h.value))
                        };
                        headers.iter().map(pair).collect()
                    })
                    .unwrap_or_default(),
            }),
        }
    }
    messages
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
        let end = |of: &BaseConsumer| of.fetch_watermarks(topic, *partition, PATIENCE);
        // All first: what is sent meanwhile is not taken for an open transaction.
        matches!((end(all), end(committed)), (Ok((_, last)), Ok((_, shown))) if shown >= last)
    })
}

fn text(bytes: Option<&[u8]>) -> String {
    String::from_utf8(bytes.unwrap_or_default().to_vec()).unwrap()
}
