//! What the relay and the projectors share: which ledger and topic, how a record travels, how
//! clients are made and what they say about themselves.

pub mod message;
pub mod partition;
pub mod projector;
pub mod relay;
mod status;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use sqlx::PgExecutor;

pub use self::status::KafkaStatus;
pub(crate) use self::status::Reporter;

/// Where records go.
#[derive(Clone, Debug)]
pub struct KafkaConfig {
    /// `bootstrap.servers`: hosts and ports, separated by commas.
    pub brokers: String,
    /// What topics and consumer groups start with; `ledger` is the usual one.
    pub prefix: String,
    /// Whether the broker is the embedded one, which lets every fetch wait for as long as it may.
    pub embedded: bool,
}

impl KafkaConfig {
    /// What every client is configured with.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "500")
            // The relay alone makes the topic. A producer that asks after one that was deleted would
            // have the broker make it, with other partitions and an end to what is kept.
            .set("allow.auto.create.topics", "false")
            // A topic that is made anew is found soon; the default is five minutes.
            .set("topic.metadata.refresh.interval.ms", "5000");
        config
    }

    /// A consumer of whole transactions, bounded in memory.
    pub(crate) fn consumer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "error")
            .set(
                "fetch.wait.max.ms",
                if self.embedded { "10" } else { "500" },
            )
            // The default waits a second once the queue has been full.
            .set("fetch.queue.backoff.ms", "10")
            .set("queued.max.messages.kbytes", "4096");
        config
    }
}

/// The topic of a ledger's epoch: a new epoch has a new one.
pub fn topic(prefix: &str, epoch: i64) -> String {
    if epoch <= 1 {
        format!("{prefix}.events")
    } else {
        format!("{prefix}.events.{epoch}")
    }
}

/// Which ledger this is.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Identity {
    /// The ledger's id.
    pub ledger_id: String,
    /// How many losses were accepted, plus one.
    pub epoch: i64,
    /// How often the topic had to be filled anew, plus one.
    pub incarnation: i64,
}

impl Identity {
    /// Reads it from the store.
    pub async fn load(executor: impl PgExecutor<'_>) -> Result<Self, sqlx::Error> {
        sqlx::query_as("select ledger_id::text as ledger_id, epoch, incarnation from ledger")
            .fetch_one(executor)
            .await
    }
}

/// librdkafka's own log, kept at debug level: it repeats itself for as long as a broker is away,
/// and the ledger says that once.
pub(crate) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(error = %error, reason, "kafka client");
    }
}

/// Writes a line of librdkafka's log.
pub(crate) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    tracing::debug!(?level, facility, message, "kafka client");
}
