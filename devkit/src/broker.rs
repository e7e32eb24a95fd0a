//! An embedded Kafka broker: librdkafka's own, in this process, on a loopback port.
//!
//! It serves `ledger dev`, because Kafka is only the carrier there: nothing is kept on disk, a
//! partition holds 5 MiB, and transactions commit without isolating. Consumers heal from the store,
//! and producers find the topic empty at each start. Clients set `fetch.wait.max.ms=10`, since it
//! lets every fetch wait that long.

use std::{sync::mpsc, thread};

use rdkafka::{error::KafkaError, mocking::MockCluster};

/// The running broker; it stops when dropped.
#[derive(Debug)]
pub struct Broker {
    brokers: String,
    /// Dropped first, which ends the thread.
    requests: Option<mpsc::Sender<CreateTopic>>,
    thread: Option<thread::JoinHandle<()>>,
}

/// Why there is no broker, or no topic on it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The thread it lives on could not be made.
    #[error("the embedded broker's thread did not start")]
    Thread(#[source] std::io::Error),
    /// Its listener could not be made.
    #[error("the embedded broker did not start")]
    Start(#[source] KafkaError),
    /// The name is empty or taken, or there are no partitions.
    #[error("the embedded broker did not create the topic {topic:?}")]
    Topic {
        /// The topic asked for.
        topic: String,
        /// What librdkafka said.
        #[source]
        source: KafkaError,
    },
    /// Its thread is gone.
    #[error("the embedded broker has stopped")]
    Stopped,
}

impl Broker {
    /// Starts one broker with these topics: name and number of partitions.
    pub fn start(topics: &[(&str, i32)]) -> Result<Self, Error> {
        let (started, start) = mpsc::channel();
        let (requests, requested) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("broker".to_owned())
            .spawn(move || serve(&started, &requested))
            .map_err(Error::Thread)?;
        let broker = Self {
            brokers: start
                .recv()
                .ok()
                .ok_or(Error::Stopped)?
                .map_err(Error::Start)?,
            requests: Some(requests),
            thread: Some(thread),
        };
        for (name, partitions) in topics {
            broker.create_topic(name, *partitions)?;
        }
        Ok(broker)
    }

    /// Where clients connect: `bootstrap.servers`.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// Creates a topic. Clients cannot: the broker knows no admin requests.
    pub(crate) fn create_topic(&self, name: &str, partitions: i32) -> Result<(), Error> {
        let (answer, answered) = mpsc::channel();
        let request = CreateTopic {
            name: name.to_owned(),
            partitions,
            answer,
        };
        let requests = self.requests.as_ref().ok_or(Error::Stopped)?;
        requests.send(request).ok().ok_or(Error::Stopped)?;
        answered
            .recv()
            .ok()
            .ok_or(Error::Stopped)?
            .map_err(|source| Error::Topic {
                topic: name.to_owned(),
                source,
            })
    }
}

impl Drop for Broker {
    /// Waits until the port is closed.
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::warn!("the embedded broker's thread panicked");
        }
    }
}

struct CreateTopic {
    name: String,
    partitions: i32,
    answer: mpsc::Sender<Result<(), KafkaError>>,
}

/// The cluster lives and dies on this thread: its handle is a raw pointer, which may not leave it.
fn serve(
    started: &mpsc::Sender<Result<String, KafkaError>>,
    requests: &mpsc::Receiver<CreateTopic>,
) {
    let cluster = match MockCluster::new(1) {
        Ok(cluster) => cluster,
        Err(error) => return drop(started.send(Err(error))),
    };
    if started.send(Ok(cluster.bootstrap_servers())).is_err() {
        return;
    }
    for CreateTopic {
        name,
        partitions,
        answer,
    } in requests
    {
        // One broker, so one replica. Nobody may be waiting for the answer any more.
        drop(answer.send(cluster.create_topic(&name, partitions, 1)));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rdkafka::{
        ClientConfig, Message as _, Offset, TopicPartitionList,
        consumer::{Consumer as _, StreamConsumer},
        producer::{FutureProducer, FutureRecord},
    };

    use super::*;

    const PATIENCE: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn a_produced_message_is_consumed() {
        let broker = Broker::start(&[("first", 3)]).unwrap();
        broker.create_topic("second", 12).unwrap();
        for topic in ["first", "second"] {
            send(&broker, topic, "hello").await;
            assert_eq!(receive(&broker, topic).await, "hello");
        }
    }

    #[tokio::test]
    async fn topics_have_the_partitions_asked_for() {
        let broker = Broker::start(&[("three", 3), ("twelve", 12)]).unwrap();
        let consumer = consumer(&broker);
        for (topic, partitions) in [("three", 3), ("twelve", 12)] {
            let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).unwrap();
            assert_eq!(metadata.topics()[0].partitions().len(), partitions);
        }
    }

    #[test]
    fn a_topic_that_exists_is_refused() {
        let broker = Broker::start(&[("events", 3)]).unwrap();
        assert!(matches!(
            broker.create_topic("events", 3),
            Err(Error::Topic { .. })
        ));
    }

    #[test]
    fn two_brokers_do_not_meet_and_a_dropped_one_is_gone() {
        let first = Broker::start(&[]).unwrap();
        let second = Broker::start(&[]).unwrap();
        assert_ne!(first.brokers(), second.brokers());
        let address = first.brokers().to_owned();
        assert!(std::net::TcpStream::connect(&address).is_ok());
        drop(first);
        assert!(std::net::TcpStream::connect(&address).is_err());
    }

    async fn send(broker: &Broker, topic: &str, text: &str) {
        let producer: FutureProducer = ClientConfig::new()
            .set("bootstrap.servers", broker.brokers())
            .create()
            .unwrap();
        producer
            .send(
                FutureRecord::to(topic)
                    .key("key")
                    .payload(text)
                    .partition(0),
                PATIENCE,
            )
            .await
            .unwrap();
    }

    async fn receive(broker: &Broker, topic: &str) -> String {
        let consumer = consumer(broker);
        let mut partitions = TopicPartitionList::new();
        partitions
            .add_partition_offset(topic, 0, Offset::Beginning)
            .unwrap();
        consumer.assign(&partitions).unwrap();
        let message = tokio::time::timeout(PATIENCE, consumer.recv())
            .await
            .unwrap()
            .unwrap();
        String::from_utf8(message.payload().unwrap().to_vec()).unwrap()
    }

    fn consumer(broker: &Broker) -> StreamConsumer {
        ClientConfig::new()
            .set("bootstrap.servers", broker.brokers())
            .set("group.id", "test")
            .set("fetch.wait.max.ms", "10")
            .create()
            .unwrap()
    }
}
