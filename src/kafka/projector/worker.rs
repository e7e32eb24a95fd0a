//! The projector's thread: polls, projects, looks after itself. Everything blocks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use events::ids::StreamId;
use events::record::StoredRecord;
use sqlx::PgPool;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::behind::{CatchUp, advance, missing};
use super::consumer::{Batch, Consumer, Partition};
use super::offsets::{self, PartitionOffset, PartitionOffsets, Scope, Step};
use super::polls::{Polls, TICK};
use super::views::Fold;
use super::{Error, Projection};
use crate::event_store::keys::keyring::Keyring;
use crate::event_store::reader;
use crate::kafka::message::Received;
use crate::kafka::{self, Identity, KafkaConfig, KafkaStatus, Reporter, partition};
use crate::mutations::{Guard, without};

/// How long a poll waits; a record that comes ends it at once.
const POLL: Duration = Duration::from_millis(50);
/// Records fetched from the store in one step.
const CATCH_UP_MAX: i64 = 500;

const RETRY: Duration = Duration::from_millis(250);

/// What a projector works with.
pub(super) struct Worker {
    pub(super) config: KafkaConfig,
    pub(super) pool: PgPool,
    pub(super) keyring: Arc<Keyring>,
    pub(super) projection: Projection,
    pub(super) runtime: Handle,
    pub(super) stop: CancellationToken,
    pub(super) report: Reporter,
}

/// A worker with its consumer.
struct Session<'a> {
    worker: &'a Worker,
    consumer: Consumer,
    scope: Scope,
    /// How many partitions the topic has.
    partition_count: usize,
    ticked: Instant,
    polls: Polls,
    /// Whether records came since idle partitions were raised.
    unraised: bool,
    /// A partition did not have the offset it was asked for, and has not been looked after yet.
    out_of_range: bool,
    /// Whether librdkafka reported trouble since the broker last answered.
    troubled: bool,
}

impl Worker {
    /// Projects until stopped; consumers come and go. Fails only for good.
    pub(super) fn run(&self) -> Result<(), Error> {
        while !self.stop.is_cancelled() {
            match self.session() {
                Ok(()) => break,
                Err(error) if error.is_final() => return Err(error),
                Err(error) => self.back_off(&error),
            }
        }
        Ok(())
    }

    fn session(&self) -> Result<(), Error> {
        let identity = self.runtime.block_on(Identity::load(&self.pool))?;
        let scope = Scope {
            projection: self.projection.name(),
            topic: kafka::topic(&self.config.prefix, identity.epoch),
        };
        let consumer = Consumer::create(&self.config, &identity, self.pool.clone(), scope.clone())?;
        // A group that subscribes to a topic before it exists hears of it only much later.
        let partition_count = loop {
            if let Some(count) = consumer.partition_count()? {
                break count;
            }
            if self.paused(RETRY) {
                return Ok(());
            }
        };
        consumer.subscribe()?;
        let mut session = Session {
            worker: self,
            consumer,
            scope,
            partition_count,
            ticked: Instant::now(),
            polls: Polls::new(Instant::now()),
            unraised: false,
            out_of_range: false,
            troubled: false,
        };
        self.report.set(KafkaStatus::Working);
        while !self.stop.is_cancelled() {
            match session.turn() {
                Ok(()) => {}
                Err(error) if error.needs_new_consumer() || error.is_final() => return Err(error),
                Err(error) => {
                    if !matches!(error, Error::Overtaken) {
                        self.back_off(&error);
                    }
                    session.reload()?;
                    self.report.set(KafkaStatus::Working);
                }
            }
        }
        session.finish();
        Ok(())
    }

    fn back_off(&self, error: &Error) {
        tracing::debug!(error = %error, projection = self.projection.name(), "tries again");
        self.report.away(error);
        self.paused(RETRY);
    }

    /// Waits; true when it is time to stop.
    fn paused(&self, pause: Duration) -> bool {
        let stopped = tokio::time::timeout(pause, self.stop.cancelled());
        self.runtime.block_on(async { stopped.await.is_ok() })
    }
}

impl Session<'_> {
    /// One poll and what follows from it.
    fn turn(&mut self) -> Result<(), Error> {
        let asked = Instant::now();
        let batch = self.consumer.poll(POLL)?;
        let Batch {
            received,
            unreadable,
            trouble,
            out_of_range,
            answered,
        } = batch;
        if let Some(error) = trouble {
            self.troubled = true;
            self.worker.report.away(&error);
        } else if answered && self.troubled {
            self.troubled = false;
            self.worker.report.set(KafkaStatus::Working);
        }
        self.out_of_range |= out_of_range;
        self.polls.note(asked, received.len());
        if !received.is_empty() {
            self.unraised = true;
            self.project(received)?;
        }
        if let Some(unreadable) = unreadable {
            return Err(unreadable.into());
        }
        if self.out_of_range {
            self.realign()?;
            self.out_of_range = false;
        }
        if self.ticked.elapsed() >= TICK || (self.polls.quiet && self.unraised) {
            self.tick()?;
            self.ticked = Instant::now();
            self.unraised = false;
        }
        Ok(())
    }

    /// Takes records into the views, what is missing before them fetched from the store.
    fn project(&mut self, mut received: Vec<Received>) -> Result<(), Error> {
        let mut held = self.consumer.partitions();
        // A rebalance may have come between a record and now.
        received.retain(|record| {
            let partition = held.get(&record.partition);
            partition.is_some_and(|partition| record.offset >= partition.place.next_offset)
        });
        let behind = missing(&received, &held);
        if !behind.is_empty() {
            if !self.catch_up(&behind)? {
                return Ok(());
            }
            held = self.consumer.partitions();
        }
        let mut steps: BTreeMap<i32, Step> = BTreeMap::new();
        let mut records = vec![];
        for received in received {
            let Some(Partition { place, .. }) = held.get(&received.partition) else {
                continue;
            };
            let step = steps.entry(received.partition).or_insert(Step {
                partition: received.partition,
                from: *place,
                to: *place,
                store_reads: 0,
            });
            step.to.next_offset = received.offset + 1;
            step.to.incarnation = Some(received.incarnation);
            if received.record.position > step.to.applied {
                step.to.applied = received.record.position;
                records.push(received.record);
            }
        }
        let steps: Vec<Step> = steps.into_values().collect();
        self.worker.runtime.block_on(self.save(&steps, &records))?;
        self.moved(&steps);
        Ok(())
    }

    /// Views and places, in one transaction. It need not wait for the disk: after a crash of
    /// Postgres both are where they were, together.
    async fn save(&self, steps: &[Step], records: &[StoredRecord]) -> Result<(), Error> {
        if steps.is_empty() {
            return Ok(());
        }
        let mut transaction = self.worker.pool.begin().await?;
        sqlx::query("set local synchronous_commit = off")
            .execute(&mut *transaction)
            .await?;
        // First of all: a projector that was overtaken finds out before it reads a row.
        offsets::take(&mut transaction, &self.scope, steps).await?;
        if without(Guard::OffsetsWithViews) {
            transaction.commit().await?;
            transaction = self.worker.pool.begin().await?;
        }
        // What the store and the topic have in common comes before what either has alone.
        if let Some(last) = records.iter().max_by_key(|record| record.position)
            && !reader::has(&mut *transaction, last.into()).await?
        {
            return Err(Error::Lost(last.position));
        }
        let mut fold = Fold {
            conn: &mut transaction,
            keyring: &self.worker.keyring,
            records,
            store_reads: vec![],
        };
        self.worker.projection.visit(&mut fold).await?;
        let filled = fold.store_reads;
        for stream in &filled {
            let index = partition::of(stream, self.partition_count);
            let partition = i32::try_from(index).unwrap_or(i32::MAX);
            offsets::count_store_reads(&mut transaction, &self.scope, partition, 1).await?;
        }
        transaction.commit().await?;
        let reads = steps.iter().map(|step| step.store_reads).sum::<i64>();
        let reads = u64::try_from(reads).unwrap_or(0) + u64::try_from(filled.len()).unwrap_or(0);
        let projection = self.scope.projection;
        metrics::counter!("projector_store_reads", "projection" => projection).increment(reads);
        metrics::counter!("projector_records", "projection" => projection)
            .increment(u64::try_from(records.len()).unwrap_or(0));
        Ok(())
    }

    fn moved(&self, steps: &[Step]) {
        for step in steps {
            self.consumer
                .update(step.partition, |partition| partition.place = step.to);
        }
    }

    /// Brings partitions to the store's head, from the store. Everything that the topic has of them
    /// by now is in the store, so reading goes on where it is: what comes again is skipped. False
    /// when it was stopped halfway: then nothing that follows may be applied.
    fn catch_up(&mut self, behind: &BTreeMap<i32, CatchUp>) -> Result<bool, Error> {
        if without(Guard::Healing) {
            return Ok(true);
        }
        // A topic made anew may have another number of partitions, and while it is gone nobody
        // knows what belongs to which.
        let count = self.consumer.partition_count()?;
        self.partition_count = count.ok_or(Error::TopicGone)?;
        let turned = behind
            .values()
            .any(|c| c.incarnation != c.place.incarnation);
        let partitions: BTreeSet<i32> = behind.keys().copied().collect();
        tracing::warn!(
            projection = self.scope.projection,
            ?partitions,
            "catching up from the store"
        );
        let worker = self.worker;
        let pool = &worker.pool;
        let head = worker.runtime.block_on(reader::head(pool))?;
        let mut from = if turned {
            worker
                .runtime
                .block_on(offsets::least_applied(pool, &self.scope))?
        } else {
            behind
                .values()
                .map(|c| c.place.applied)
                .min()
                .unwrap_or_default()
        };
        let mut reads = 1;
        let mut places: PartitionOffsets = behind.iter().map(|(p, c)| (*p, c.place)).collect();
        loop {
            let records = worker
                .runtime
                .block_on(reader::after(pool, from, CATCH_UP_MAX))?;
            from = records.last().map_or(head, |record| record.position);
            let records: Vec<StoredRecord> = records
                .into_iter()
                .filter(|r| self.is_of(&r.stream, &partitions))
                .collect();
            let steps = advance(behind, &mut places, from, reads);
            worker.runtime.block_on(self.save(&steps, &records))?;
            self.moved(&steps);
            reads = 0;
            if from >= head {
                return Ok(true);
            }
            if worker.stop.is_cancelled() {
                return Ok(false);
            }
        }
    }

    fn is_of(&self, stream: &StreamId, partitions: &BTreeSet<i32>) -> bool {
        i32::try_from(partition::of(stream, self.partition_count))
            .is_ok_and(|partition| partitions.contains(&partition))
    }

    /// Looks after partitions that do not have the offset they were asked for: they were truncated
    /// or made anew. What is lost comes from the store, and reading goes on at their end as it was
    /// before.
    fn realign(&mut self) -> Result<(), Error> {
        let mut lost = BTreeMap::new();
        let mut steps = vec![];
        for (number, Partition { place, .. }) in self.consumer.partitions() {
            let (low, end) = self.consumer.range(number)?;
            if (low..=end).contains(&place.next_offset) {
                continue;
            }
            let incarnation = place.incarnation;
            lost.insert(number, CatchUp { place, incarnation });
            steps.push((number, end));
        }
        if !lost.is_empty() && !self.catch_up(&lost)? {
            return Ok(());
        }
        let held = self.consumer.partitions();
        let steps: Vec<Step> = steps
            .into_iter()
            .filter_map(|(partition, end)| {
                let from = held.get(&partition)?.place;
                let to = PartitionOffset {
                    next_offset: end,
                    ..from
                };
                Some(Step {
                    partition,
                    from,
                    to,
                    store_reads: 0,
                })
            })
            .collect();
        self.worker.runtime.block_on(self.save(&steps, &[]))?;
        self.moved(&steps);
        // A fetch that was refused stays refused until it is asked anew.
        self.seek_to_places()
    }

    fn seek_to_places(&self) -> Result<(), Error> {
        let held = self.consumer.partitions();
        let places = held.iter().map(|(number, p)| (*number, p.place)).collect();
        Ok(self.consumer.seek(&places)?)
    }

    /// Leaves idle partitions raised, so that the watermark stays where it is.
    fn finish(&mut self) {
        if let Err(error) = self.tick() {
            tracing::debug!(error = %error, "the last look at the sent positions failed");
        }
    }

    /// Reads the places again and goes on from them.
    fn reload(&mut self) -> Result<(), Error> {
        let numbers: Vec<i32> = self.consumer.partitions().into_keys().collect();
        if numbers.is_empty() {
            return Ok(());
        }
        let open = offsets::open(&self.worker.pool, &self.scope, &numbers);
        let places = self.worker.runtime.block_on(open)?;
        Ok(self.consumer.seek(&places)?)
    }

    /// Compares with the sent positions and with the rows as they stand: raises idle partitions,
    /// fetches what should have come and did not, and notices offsets that were deleted.
    fn tick(&mut self) -> Result<(), Error> {
        let held = self.consumer.partitions();
        if held.is_empty() {
            return Ok(());
        }
        if self.troubled && self.consumer.partition_count()?.is_some() {
            self.troubled = false;
            self.worker.report.set(KafkaStatus::Working);
        }
        let numbers: Vec<i32> = held.keys().copied().collect();
        let refresh = offsets::refresh(&self.worker.pool, &self.scope, &numbers);
        let standings = self.worker.runtime.block_on(refresh)?;
        if standings.len() < held.len() {
            return Err(Error::Overtaken);
        }
        let mut behind = BTreeMap::new();
        for standing in standings {
            let Some(partition) = held.get(&standing.partition) else {
                continue;
            };
            let mut place = partition.place;
            if standing.next_offset != place.next_offset {
                return Err(Error::Overtaken);
            }
            place.applied = standing.applied;
            let since = (standing.applied < standing.sent_position)
                .then(|| partition.behind.unwrap_or_else(Instant::now));
            if since.is_some_and(|since| self.polls.were_in_vain(partition, since)) {
                let incarnation = place.incarnation;
                behind.insert(standing.partition, CatchUp { place, incarnation });
            }
            self.consumer.update(standing.partition, |partition| {
                partition.place = place;
                partition.behind = since;
            });
        }
        if !behind.is_empty() {
            self.catch_up(&behind)?;
            self.seek_to_places()?;
        }
        Ok(())
    }
}
