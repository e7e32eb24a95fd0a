//! Sends a batch as one Kafka transaction.
//!
//! Nothing is ever repaired here: after any error the producer is dropped, and what the next one
//! finds in the topic decides where it goes on. Everything blocks.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use events::record::StoredRecord;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};

use super::Error;
use super::lease::LeaseView;
use crate::kafka::{self, Identity, KafkaConfig, message};
use crate::mutations::{Guard, without};

const INIT_TIMEOUT: Duration = Duration::from_secs(5);
/// Above what a broker needs to choose a new leader, below the transaction's own timeout.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
const TRANSACTION_TIMEOUT_MS: &str = "30000";
const POLL: Duration = Duration::from_millis(1);

/// The one producer of the ledger's records.
pub(super) struct Producer {
    client: BaseProducer<Deliveries>,
    topic: String,
}

/// A record on its way, with what its headers need to know.
pub(super) struct Outgoing {
    pub(super) record: StoredRecord,
    pub(super) partition: i32,
    /// Position of the record before it in the same partition.
    pub(super) previous: i64,
}

/// What became of the records of a batch.
#[derive(Default)]
struct Deliveries(Mutex<Delivered>);

#[derive(Default)]
struct Delivered {
    failed: Option<KafkaError>,
    /// The first and the last offset in each partition.
    offsets: BTreeMap<i32, (i64, i64)>,
}

impl Producer {
    /// Makes a producer and fences every older one.
    pub(super) fn create(
        config: &KafkaConfig,
        topic: &str,
        identity: &Identity,
    ) -> Result<Self, Error> {
        let fence = if without(Guard::OneRelay) {
            std::process::id().to_string()
        } else {
            identity.ledger_id.clone()
        };
        let client: BaseProducer<Deliveries> = config
            .client()
            .set("transactional.id", format!("relay-{fence}"))
            .set("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS)
            .set("message.timeout.ms", "10000")
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", "lz4")
            // The commit is the border of a batch: waiting for more would only delay it.
            .set("linger.ms", "0")
            .set("message.max.bytes", "16000000")
            .create_with_context(Deliveries::default())?;
        client.init_transactions(INIT_TIMEOUT)?;
        Ok(Self {
            client,
            topic: topic.to_owned(),
        })
    }

    /// Sends a batch: all of it is in the topic, or an error. `ends` are the offsets after the ends
    /// of the partitions, as last seen.
    pub(super) fn send(
        &self,
        batch: &[Outgoing],
        identity: &Identity,
        ends: &mut BTreeMap<i32, i64>,
        lease: &LeaseView,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + SEND_TIMEOUT;
        self.client.context().reset();
        self.client.begin_transaction()?;
        for outgoing in batch {
            self.enqueue(outgoing, identity, deadline)?;
        }
        // `commit_transaction` flushes, and rdkafka's flush takes at least 100 ms unless everything
        // was delivered before.
        while self.client.in_flight_count() > 0 {
            self.client.poll(POLL);
            if Instant::now() >= deadline {
                return Err(KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut).into());
            }
        }
        let offsets = self.client.context().delivered()?;
        for (partition, (first, _)) in &offsets {
            if ends.get(partition).is_some_and(|end| first < end) {
                return Err(Error::TopicShrank);
            }
        }
        if !lease.holds() {
            return Err(Error::LeaseLost);
        }
        self.client.commit_transaction(SEND_TIMEOUT)?;
        ends.extend(
            offsets
                .into_iter()
                .map(|(partition, (_, last))| (partition, last + 1)),
        );
        Ok(())
    }

    fn enqueue(
        &self,
        outgoing: &Outgoing,
        identity: &Identity,
        deadline: Instant,
    ) -> Result<(), Error> {
        let mut message = BaseRecord::to(&self.topic)
            .partition(outgoing.partition)
            .key(&outgoing.record.stream)
            .payload(&outgoing.record.payload)
            .headers(message::headers(
                &outgoing.record,
                identity,
                outgoing.previous,
            ));
        loop {
            match self.client.send(message) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again))
                    if Instant::now() < deadline =>
                {
                    self.client.poll(POLL);
                    message = again;
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
    }
}

/// Whether a newer producer took over, or the coordinator gave this one up.
pub(super) fn is_fenced(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Transaction(transaction)
        if transaction.code() == RDKafkaErrorCode::Fenced)
}

impl Deliveries {
    fn lock(&self) -> std::sync::MutexGuard<'_, Delivered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reset(&self) {
        *self.lock() = Delivered::default();
    }

    fn delivered(&self) -> Result<BTreeMap<i32, (i64, i64)>, KafkaError> {
        let mut delivered = self.lock();
        match delivered.failed.take() {
            Some(error) => Err(error),
            None => Ok(std::mem::take(&mut delivered.offsets)),
        }
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        kafka::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(error = %error, reason, "kafka client");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let mut delivered = self.lock();
        match result {
            Ok(message) => {
                let offset = message.offset();
                delivered
                    .offsets
                    .entry(message.partition())
                    .and_modify(|(first, last)| {
                        *first = offset.min(*first);
                        *last = offset.max(*last);
                    })
                    .or_insert((offset, offset));
            }
            Err((error, _)) => delivered.failed = Some(error.clone()),
        }
    }
}
