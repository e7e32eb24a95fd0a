//! A Kafka of our own: started, killed and started again on the data it has; and what its topic holds.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::metadata::MetadataPartition;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::cluster::SETPRIV;
use crate::{Error, system, tail};

/// The functions that know how a node is run.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../devkit/kafka.sh");
const START_MAX: Duration = Duration::from_mins(3);
const POLL: Duration = Duration::from_millis(50);
/// How long Kafka may take for one of our own requests.
const REQUEST_MAX: Duration = Duration::from_secs(5);
/// How long a transaction may stay open in the end: longer than Kafka lets one of the relay's.
const SETTLE_MAX: Duration = Duration::from_mins(1);
/// How long reading the whole topic may take.
const READ_MAX: Duration = Duration::from_mins(2);

/// One node with its data.
pub(crate) struct Kafka {
    dir: PathBuf,
    /// Its own port, behind the proxy.
    pub(crate) port: u16,
    child: Option<Child>,
}

impl Kafka {
    /// Makes an empty node whose clients are told to come to the port of a proxy.
    pub(crate) async fn make(dir: &Path, ports: [u16; 2], advertised: u16) -> Result<Self, Error> {
        fs::create_dir(dir).map_err(system("Kafka's directory"))?;
        let [port, controller] = ports;
        let made = script("make_kafka \"$@\"")
            .arg(dir)
            .args([port, controller, advertised].map(|port| port.to_string()))
            .status()
            .await;
        if !made.map_err(system("bash could not be run"))?.success() {
            return Err(Error::Kafka(tail(&log(dir))));
        }
        Ok(Self {
            dir: dir.to_owned(),
            port,
            child: None,
        })
    }

    /// Starts it, unless it runs, and waits until it says that it listens.
    pub(crate) async fn start(&mut self) -> Result<(), Error> {
        if self.child.is_some() {
            return Ok(());
        }
        let said = log(&self.dir).matches("Kafka Server started").count();
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .args(["bash", "-c"])
            .arg("source \"$0\"; become_kafka \"$@\"")
            .arg(SCRIPT)
            .arg(&self.dir)
            .stdin(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        let child = self.child.insert(command.spawn().map_err(system(SETPRIV))?);
        let deadline = Instant::now() + START_MAX;
        while Instant::now() < deadline && matches!(child.try_wait(), Ok(None)) {
            if log(&self.dir).matches("Kafka Server started").count() > said {
                return Ok(());
            }
            sleep(POLL).await;
        }
        Err(Error::Kafka(tail(&log(&self.dir))))
    }

    /// Kills it, if it runs.
    pub(crate) async fn kill(&mut self) -> Result<(), Error> {
        match self.child.take() {
            Some(mut child) => child.kill().await.map_err(system("Kafka did not end")),
            None => Ok(()),
        }
    }
}

fn script(call: &str) -> Command {
    let mut command = Command::new("bash");
    command
        .arg("-c")
        .arg(format!("source \"$0\"; {call}"))
        .arg(SCRIPT)
        .stdin(Stdio::null());
    command
}

/// What it has said.
fn log(dir: &Path) -> String {
    fs::read_to_string(dir.join("kafka.log")).unwrap_or_default()
}

/// A record as any consumer sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its partition.
    pub(crate) partition: i32,
    /// Its key: the stream.
    pub(crate) key: String,
    /// Its value: the payload.
    pub(crate) value: String,
    /// The ledger's position.
    pub(crate) position: i64,
    /// The sequence in the stream.
    pub(crate) sequence: i64,
}

fn client(port: u16) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", format!("127.0.0.1:{port}"))
        .set("group.id", "checker")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "10");
    client
}

/// Deletes a topic, and waits until nobody knows it as it was: it is gone, or made anew.
pub(crate) async fn delete_topic(port: u16, topic: &str) -> Result<(), KafkaError> {
    let admin: AdminClient<DefaultClientContext> = client(port).create()?;
    let options = AdminOptions::new().operation_timeout(Some(REQUEST_MAX));
    for deleted in admin.delete_topics(&[topic], &options).await? {
        match deleted {
            Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
            Err((_, code)) => return Err(KafkaError::AdminOp(code)),
        }
    }
    Ok(())
}

/// Cuts off everything that a topic holds now.
pub(crate) async fn truncate_topic(port: u16, topic: &str) -> Result<(), KafkaError> {
    let name = topic.to_owned();
    let ends = blocking(move || {
        let consumer: BaseConsumer = client(port).create()?;
        let mut ends = TopicPartitionList::new();
        for partition in partitions(&consumer, &name)? {
            let (_, end) = consumer.fetch_watermarks(&name, partition, REQUEST_MAX)?;
            ends.add_partition_offset(&name, partition, Offset::Offset(end))?;
        }
        Ok(ends)
    })
    .await?;
    let admin: AdminClient<DefaultClientContext> = client(port).create()?;
    let options = AdminOptions::new().operation_timeout(Some(REQUEST_MAX));
    let cut = admin.delete_records(&ends, &options).await?;
    cut.elements()
        .iter()
        .try_for_each(TopicPartitionListElem::error)
}

/// Everything committed in a topic, in the order of each partition, once no transaction is open in it;
/// nothing when there is no topic.
pub(crate) async fn read_topic(port: u16, topic: &str) -> Result<Vec<Message>, KafkaError> {
    let topic = topic.to_owned();
    blocking(move || read(port, &topic)).await
}

async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
) -> Result<T, KafkaError> {
    let ran = tokio::task::spawn_blocking(run).await;
    ran.unwrap_or_else(|_panic| Err(KafkaError::Canceled))
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> Result<Vec<i32>, KafkaError> {
    let metadata = consumer.fetch_metadata(Some(topic), REQUEST_MAX)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    Ok(found
        .map(|topic| {
            topic
                .partitions()
                .iter()
                .map(MetadataPartition::id)
                .collect()
        })
        .unwrap_or_default())
}

fn read(port: u16, topic: &str) -> Result<Vec<Message>, KafkaError> {
    let consumer: BaseConsumer = client(port).create()?;
    let mut assignment = TopicPartitionList::new();
    let mut open = HashSet::new();
    for partition in partitions(&consumer, topic)? {
        assignment.add_partition_offset(topic, partition, Offset::Beginning)?;
        open.insert(partition);
    }
    let all: BaseConsumer = client(port)
        .set("isolation.level", "read_uncommitted")
        .create()?;
    let settled_by = Instant::now() + SETTLE_MAX;
    while Instant::now() < settled_by && !is_settled(&consumer, &all, topic, &open) {}
    consumer.assign(&assignment)?;
    let deadline = Instant::now() + READ_MAX;
    let mut messages = vec![];
    while !open.is_empty() {
        if Instant::now() >= deadline {
            return Err(KafkaError::MessageConsumption(
                RDKafkaErrorCode::OperationTimedOut,
            ));
        }
        match consumer.poll(Duration::from_millis(100)) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                open.remove(&partition);
            }
            Some(Err(error)) => return Err(error),
            Some(Ok(message)) => {
                let header = |name: &str| {
                    let headers = message.headers()?;
                    let found = headers.iter().find(|header| header.key == name)?;
                    std::str::from_utf8(found.value?).ok()?.parse::<i64>().ok()
                };
                let text = |bytes: Option<&[u8]>| {
                    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
                };
                messages.push(Message {
                    partition: message.partition(),
                    key: text(message.key()),
                    value: text(message.payload()),
                    position: header("ce_ledgerposition").unwrap_or(0),
                    sequence: header("ce_sequence").unwrap_or(0),
                });
            }
        }
    }
    Ok(messages)
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
