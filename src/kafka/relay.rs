//! Store → Kafka: every record once, in order of position.
//!
//! One process relays at a time ([`lease`]). Each batch is one Kafka transaction ([`producer`]),
//! and the topic itself is the cursor ([`topic`]): what each partition ends with is what it has, so
//! that cursor and data cannot disagree. A record is sent exactly when its position is beyond the
//! end of its partition. On any error the producer is dropped and the next one looks at the topic
//! again.
//!
//! Where to start reading the store follows from the sent positions in Postgres
//! ([`sent_positions`]): everything up to the greatest is in the topic, unless a partition ends
//! before its sent position. Then the topic was made anew or lost its end; the ledger's incarnation
//! is raised, and the relay goes back to where the first such partition ends, filling only what is
//! missing.
//!
//! A topic that knows more than the store stops the relay ([`survey`]): a person has to accept the
//! loss, by `ledger epoch advance`.

mod error;
mod lease;
mod locate;
mod loss;
mod plan;
mod producer;
mod sent_positions;
mod survey;
mod topic;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use events::ids::Position;
use events::record::StoredRecord;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use self::error::Error;
use self::lease::Lease;
pub use self::locate::Located;
pub(crate) use self::locate::{Sought, locate};
pub use self::loss::Loss;
use self::plan::Plan;
use self::producer::{Outgoing, Producer};
use self::sent_positions::SentPositions;
pub use self::survey::Halt;
pub(crate) use self::survey::halt;
use self::topic::{Tail, TopicReader};
use crate::event_store::point::Point;
use crate::event_store::reader;
use crate::kafka::{self, Identity, KafkaConfig, KafkaStatus, Reporter, partition};
use crate::mutations::{Guard, without};

/// How long the relay sleeps when nothing wakes it: other processes append, too.
const POLL_MIN: Duration = Duration::from_millis(10);
const POLL_MAX: Duration = Duration::from_millis(20);
/// How often an idle relay looks whether the topic is still there.
const PROBE_INTERVAL: Duration = Duration::from_secs(2);
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(2);

/// What the relay has to know.
#[derive(Clone, Debug)]
pub struct RelayConfig {
    /// Where records go.
    pub kafka: KafkaConfig,
    /// A direct connection, not through a pooler, for the session that holds the lease.
    pub lease: PgConnectOptions,
    /// Most records in one transaction.
    pub batch_max: i64,
}

impl RelayConfig {
    /// The usual configuration: batches of a thousand relay 38 thousand records a second.
    pub const fn new(kafka: KafkaConfig, lease: PgConnectOptions) -> Self {
        Self {
            kafka,
            lease,
            batch_max: 1000,
        }
    }
}

/// Relays until stopped; waits while another process does. `wake` is notified after local commits.
///
/// Returns an error only when a person has to decide: the topic knows more than the store.
pub async fn run(
    config: RelayConfig,
    pool: PgPool,
    wake: Arc<Notify>,
    stop: CancellationToken,
    status: watch::Sender<KafkaStatus>,
) -> Result<(), Error> {
    let mut relay = Relay {
        config,
        pool,
        wake,
        stop,
        report: Reporter::new("the relay", status),
        retry: RETRY_MIN,
    };
    while !relay.stop.is_cancelled() {
        let Err(error) = relay.lead().await else {
            break;
        };
        if error.is_final() {
            relay.report.stopped(&error);
            return Err(error);
        }
        relay.back_off(&error).await;
    }
    Ok(())
}

struct Relay {
    config: RelayConfig,
    pool: PgPool,
    wake: Arc<Notify>,
    stop: CancellationToken,
    report: Reporter,
    retry: Duration,
}

/// What one producer works with, from its start to its first error.
struct Term {
    kafka: Arc<Kafka>,
    identity: Arc<Identity>,
    topic: String,
    /// Last position in each partition.
    tails: Vec<Position>,
    /// Offset after the end of each partition, as far as known.
    ends: BTreeMap<i32, i64>,
    /// Everything up to here is in the topic.
    cursor: Position,
    /// The last position up to the cursor in each partition.
    sent_positions: SentPositions,
    /// The record there, as the store had it last; none at the beginning.
    reached: Option<Point>,
}

/// The clients; dropping them blocks.
struct Kafka {
    producer: Producer,
    reader: TopicReader,
}

impl Relay {
    /// Leads until stopped or until the lease has to go.
    async fn lead(&mut self) -> Result<(), Error> {
        let waiting = || self.report.set(KafkaStatus::Waiting);
        let lease = tokio::select! {
            lease = Lease::acquire(&self.config.lease, waiting) => lease?,
            () = self.stop.cancelled() => return Ok(()),
        };
        loop {
            let term = tokio::select! {
                term = self.begin() => term,
                () = self.stop.cancelled() => return Ok(()),
            };
            let error = match term {
                Ok(term) => match self.relay(term, &lease).await {
                    Ok(()) => return Ok(()),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            if error.is_final() || error.gives_up_lease() || !lease.holds() {
                return Err(error);
            }
            self.back_off(&error).await;
            if self.stop.is_cancelled() {
                return Ok(());
            }
        }
    }

    /// Makes a producer and finds out where it goes on.
    async fn begin(&self) -> Result<Term, Error> {
        let mut identity = Identity::load(&self.pool).await?;
        let topic = kafka::topic(&self.config.kafka.prefix, identity.epoch);
        let survey = survey::take(&self.config.kafka, &identity, &self.pool).await?;
        if let Some(loss) = survey.loss {
            return Err(Error::Lost(Box::new(loss)));
        }
        let Some((reader, tails)) = survey.current else {
            topic::create(&self.config.kafka, &topic).await?;
            return Err(Error::TopicMissing);
        };
        let kafka = Arc::new(Kafka {
            producer: survey.producer,
            reader,
        });
        let sent_positions = sent_positions::load(&self.pool, &topic).await?;
        let ends = (0..).zip(tails.iter().map(|tail| tail.end)).collect();
        let mut tails: Vec<Position> = tails.iter().map(Tail::position).collect();
        let plan = Plan::new(&sent_positions, &tails);
        if without(Guard::TopicIsCursor) {
            tails.fill(Position::START);
        }
        if plan.lost_records {
            identity.incarnation =
                sent_positions::start_over(&self.pool, &topic, &plan.sent_positions).await?;
            tracing::warn!(
                topic,
                incarnation = identity.incarnation,
                after = plan.cursor.get(),
                "the topic lost records and is filled again"
            );
        }
        Ok(Term {
            kafka,
            identity: Arc::new(identity),
            topic,
            tails,
            ends,
            cursor: plan.cursor,
            sent_positions: plan.sent_positions,
            reached: reader::point(&self.pool, plan.cursor).await?,
        })
    }

    /// Sends batch after batch until stopped or until something fails.
    async fn relay(&mut self, mut term: Term, lease: &Lease) -> Result<(), Error> {
        let result = self.relay_with(&mut term, lease).await;
        // Dropping the clients takes up to a quarter of a second.
        tokio::task::spawn_blocking(move || drop(term)).await?;
        result
    }

    async fn relay_with(&mut self, term: &mut Term, lease: &Lease) -> Result<(), Error> {
        let wake = Arc::clone(&self.wake);
        let mut pause = POLL_MIN;
        let mut probed = Instant::now();
        while !self.stop.is_cancelled() {
            if !lease.holds() {
                return Err(Error::LeaseLost);
            }
            // Listening starts before the store is read: what is appended after that wakes it.
            let mut woken = pin!(wake.notified());
            woken.as_mut().enable();
            let records = reader::after(&self.pool, term.cursor, self.config.batch_max).await?;
            if !records.is_empty() {
                term.check(&self.pool).await?;
                term.send(&self.pool, records, lease).await?;
                // A partition shows its new end a moment after the batch is committed; and a batch
                // finds out by itself where the ends are.
                probed = Instant::now();
                pause = POLL_MIN;
                self.works();
                continue;
            }
            if probed.elapsed() >= PROBE_INTERVAL {
                term.check(&self.pool).await?;
                term.probe().await?;
                probed = Instant::now();
            }
            self.works();
            tokio::select! {
                () = woken => {}
                () = tokio::time::sleep(pause) => {
                    pause = (pause + Duration::from_millis(1)).min(POLL_MAX);
                }
                () = self.stop.cancelled() => {}
            }
        }
        Ok(())
    }

    fn works(&mut self) {
        self.retry = RETRY_MIN;
        self.report.set(KafkaStatus::Working);
    }

    async fn back_off(&mut self, error: &Error) {
        tracing::debug!(error = %error, "the relay tries again");
        // A topic that is being made is no trouble, for a moment.
        let may_be_new = matches!(error, Error::TopicMissing | Error::NoLeader);
        if !may_be_new || self.retry == RETRY_MAX {
            self.report.away(error);
        }
        tokio::select! {
            () = tokio::time::sleep(self.retry) => {}
            () = self.stop.cancelled() => {}
        }
        self.retry = (self.retry * 2).min(RETRY_MAX);
    }
}

impl Term {
    /// Sends the next records that the topic lacks, and notes what it has then.
    async fn send(
        &mut self,
        pool: &PgPool,
        records: Vec<StoredRecord>,
        lease: &Lease,
    ) -> Result<(), Error> {
        let mut batch = vec![];
        for record in records {
            let index = partition::of(&record.stream, self.tails.len());
            let partition = i32::try_from(index).unwrap_or(i32::MAX);
            self.cursor = record.position;
            self.reached = Some(Point::from(&record));
            self.sent_positions.insert(partition, record.position);
            let Some(tail) = self
                .tails
                .get_mut(index)
                .filter(|tail| **tail < record.position)
            else {
                continue;
            };
            let previous = std::mem::replace(tail, record.position);
            batch.push(Outgoing {
                record,
                partition,
                previous,
            });
        }
        let sent = batch.len();
        if sent > 0 {
            let (kafka, identity) = (Arc::clone(&self.kafka), Arc::clone(&self.identity));
            let (mut ends, lease) = (std::mem::take(&mut self.ends), lease.view());
            self.ends = tokio::task::spawn_blocking(move || {
                kafka.producer.send(&batch, &identity, &mut ends, &lease)?;
                Ok::<_, Error>(ends)
            })
            .await??;
        }
        sent_positions::raise(
            pool,
            &self.topic,
            self.identity.incarnation,
            &self.sent_positions,
        )
        .await?;
        metrics::counter!("relay_records_sent").increment(u64::try_from(sent).unwrap_or(0));
        Ok(())
    }

    /// Looks whether the store still has what was sent last. Records that follow another history
    /// are never sent behind it.
    async fn check(&self, pool: &PgPool) -> Result<(), Error> {
        match self.reached {
            Some(point) if !reader::has(pool, point).await? => Err(Error::WentBack(point.position)),
            Some(_) | None => Ok(()),
        }
    }

    /// Looks whether a partition still ends where it did.
    async fn probe(&self) -> Result<(), Error> {
        // The fullest one: a topic made anew is the shortest there.
        let Some((partition, end)) = self.ends.iter().max_by_key(|(_, end)| **end) else {
            return Ok(());
        };
        let (kafka, partition, end) = (Arc::clone(&self.kafka), *partition, *end);
        let found = tokio::task::spawn_blocking(move || kafka.reader.end(partition)).await??;
        if found < end {
            return Err(Error::TopicShrank);
        }
        Ok(())
    }
}
