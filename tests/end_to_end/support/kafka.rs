//! The real Kafka of the tests: where it is, a prefix for each test, and what the ledger's topic holds.

use customer_ledger::kafka::{KafkaConfig, topic};
use devkit::kafka::topic::{self as topics, Message};
use rdkafka::ClientConfig;
use rdkafka::admin::AdminClient;
use rdkafka::client::DefaultClientContext;

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

/// A message's position in the ledger.
#[track_caller]
pub(crate) fn position(message: &Message) -> i64 {
    message.header("ce_ledgerposition").parse().unwrap()
}

/// A client as others have it: it knows nothing of the ledger.
pub(crate) fn client(config: &KafkaConfig) -> ClientConfig {
    topics::client(&config.brokers)
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
    let read = topics::read(&config.brokers, topic).await.unwrap();
    assert!(read.is_settled, "a transaction stays open");
    read.messages
}
