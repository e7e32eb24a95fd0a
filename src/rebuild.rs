//! `ledger rebuild`: a projection's tables made anew from the events, while the live ones go on.
//!
//! [`fold`] fills tables that are not read yet, straight from the store. When they are near the
//! head, they are compared with the live ones ([`compare`]) and moved to their place, all in one
//! transaction ([`tables`]); what they replaced is kept, for going back. Under the lock, which is
//! held for milliseconds, the last records are folded: so the tables that come in hold everything
//! that those that go out did, and what the watermark says stays true. The projector finds rows
//! that are ahead of it, and skips what they have seen.
//!
//! Nothing live is touched before that transaction. Whatever ends a rebuild earlier leaves tables that
//! are not read, and the next one removes them.

mod compare;
mod error;
mod fold;
mod status;
mod tables;

use std::sync::Arc;
use std::time::{Duration, Instant};

use events::ids::Position;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::compare::Comparison;
pub use self::compare::Differing;
pub use self::error::Error;
pub use self::fold::Code;
use self::fold::{Share, Worker};
pub(crate) use self::status::is_running;
pub use self::status::{Last, last};
use self::tables::TableSet;
use crate::event_store::keys::keyring::Keyring;
use crate::event_store::reader;
use crate::kafka::projector::{self, Projection};

/// Any fixed number; the second one is the projection.
const LOCK: i32 = 1_818_453;
/// Records that may be left to fold under the lock.
const NEAR: i64 = 200;
/// How long the switch waits for others to let go of the live tables.
const SWITCH_MAX: Duration = Duration::from_mins(5);
/// How often going back begins again because customers were deleted meanwhile.
const BACK_MAX: usize = 10;
/// How long it leaves the tables alone between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// What a rebuild does now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nothing yet.
    #[default]
    Begins,
    /// Reads and folds what there was when it began.
    Folds,
    /// Makes indexes.
    Indexes,
    /// Compares rows.
    Compares,
    /// Waits for the live tables, to switch.
    Switches,
}

/// How far a rebuild is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// What it does.
    pub phase: Phase,
    /// Events that were folded.
    pub done: u64,
    /// Events that there were at the beginning.
    pub total: u64,
}

/// What a comparison found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Rows that were compared.
    pub rows: i64,
    /// Rows that are not what the events say.
    pub differing: i64,
}

/// What a rebuild did.
#[derive(Clone, Copy, Debug)]
pub struct Switched {
    /// What was found in the tables that went out.
    pub found: Compared,
    /// The tables that came in hold everything up to here.
    pub position: Position,
    /// How long it took to fold the events into tables, indexes not included.
    pub folded_in: Duration,
    /// How long the live tables were locked.
    pub locked_for: Duration,
}

/// A rebuild of one projection. While it exists, there is no other.
pub struct Rebuild {
    options: PgConnectOptions,
    keyring: Arc<Keyring>,
    /// The topic that the live tables follow.
    topic: String,
    projection: Projection,
    code: Code,
    workers: u16,
    /// Holds the lock; whatever changes names is done here.
    session: PgConnection,
    progress: watch::Sender<Progress>,
}

impl Rebuild {
    /// Begins as the owner of the database, unless another rebuild of the projection runs.
    pub async fn begin(
        options: PgConnectOptions,
        keyring: Arc<Keyring>,
        topic: String,
        projection: Projection,
    ) -> Result<Self, Error> {
        // The server notices within a second that this process is gone.
        let checked = options.clone().options([
            ("client_connection_check_interval", "1s"),
            ("search_path", "public"),
            ("client_min_messages", "warning"),
        ]);
        // An index of all rows takes as long as it takes: that is no news for the log.
        let checked = checked.disable_statement_logging();
        let mut session = PgConnection::connect_with(&checked).await?;
        let is_alone: bool = sqlx::query_scalar("select pg_try_advisory_lock($1, hashtext($2))")
            .bind(LOCK)
            .bind(projection.name())
            .fetch_one(&mut session)
            .await?;
        if !is_alone {
            return Err(Error::Busy(projection.name()));
        }
        let workers = std::thread::available_parallelism().map_or(1, |n| n.get().min(8));
        Ok(Self {
            options,
            keyring,
            topic,
            projection,
            code: Code::default(),
            workers: u16::try_from(workers).unwrap_or(1),
            session,
            progress: watch::Sender::default(),
        })
    }

    /// The same with other code: what would it have made of the events?
    #[must_use]
    pub fn with_code(self, code: Code) -> Self {
        Self { code, ..self }
    }

    /// Whether anything was sent to the topic that the live tables follow, if anything happened. If not,
    /// every row that they lack counts as on its way.
    pub(crate) async fn is_followed(&mut self) -> Result<bool, Error> {
        let followed = sqlx::query_scalar(
            "select exists (select from sent_positions where topic = $1) \
                or not exists (select from events)",
        );
        Ok(followed
            .bind(&self.topic)
            .fetch_one(&mut self.session)
            .await?)
    }

    /// How far it is.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Makes the tables anew and puts them in the place of the live ones. Tells how these differ.
    pub async fn switch(
        mut self,
        tell: impl AsyncFnMut(Differing) -> Result<(), Error>,
    ) -> Result<Switched, Error> {
        let start = Instant::now();
        let worker = self.fold().await?;
        let folded_in = start.elapsed();
        self.is_at(Phase::Indexes);
        tables::finish(&mut self.session, self.projection).await?;
        let switched = self.bring(worker, TableSet::Next, tell).await?;
        Ok(Switched {
            folded_in,
            ..switched
        })
    }

    /// Makes the tables anew beside the live ones, tells how these differ, and changes nothing.
    pub async fn compare(
        mut self,
        tell: impl AsyncFnMut(Differing) -> Result<(), Error>,
    ) -> Result<Compared, Error> {
        let mut worker = self.fold().await?;
        let found = self.compared(&mut worker, TableSet::Next, tell).await?;
        tables::remove(&mut self.session, self.projection, TableSet::Next).await?;
        Ok(found)
    }

    /// Puts the tables back that were replaced last, with everything that happened since. Tells how the
    /// live ones differ from them.
    pub async fn back(
        mut self,
        mut tell: impl AsyncFnMut(Differing) -> Result<(), Error>,
    ) -> Result<Switched, Error> {
        let projection = self.projection;
        let name = projection.name();
        if !tables::exist(&mut self.session, projection, TableSet::Kept).await? {
            return Err(Error::NothingKept(name));
        }
        if !tables::fit(&mut self.session, projection, TableSet::Kept).await? {
            return Err(Error::Shape(name));
        }
        tables::remove(&mut self.session, projection, TableSet::Next).await?;
        let kept: Option<Position> = sqlx::query_scalar(
            "select kept_position from rebuilds where projection = $1 order by number desc limit 1",
        )
        .bind(name)
        .fetch_optional(&mut self.session)
        .await?;
        let total = reader::head(&mut self.session).await?;
        let position = kept.unwrap_or_default();
        self.begins(Phase::Folds, total.since(position));
        let mut attempt = 1;
        loop {
            // Rows may be ahead of the position: what they have seen is skipped.
            let worker = self.worker(TableSet::Kept, Share::ALL, position).await?;
            let worker = worker.with_rows();
            match self.bring(worker, TableSet::Kept, &mut tell).await {
                // The row of a customer that was deleted meanwhile went ahead by itself.
                Err(Error::Disturbed) if attempt < BACK_MAX => attempt += 1,
                ended => return ended,
            }
        }
    }

    /// Forgets the tables that were replaced last, and what an interrupted rebuild left. Says whether
    /// there were any.
    pub async fn forget(mut self) -> Result<bool, Error> {
        let mut there = false;
        for place in [TableSet::Kept, TableSet::Next, TableSet::Gone] {
            there |= tables::exist(&mut self.session, self.projection, place).await?;
            tables::remove(&mut self.session, self.projection, place).await?;
        }
        Ok(there)
    }

    /// Fills new tables with everything up to the head. The worker can go on from there.
    async fn fold(&mut self) -> Result<Worker, Error> {
        tables::make(&mut self.session, self.projection).await?;
        let head = reader::head(&mut self.session).await?;
        self.begins(Phase::Folds, head.get());
        let mut workers = JoinSet::new();
        for index in 0..self.workers {
            let share = Share {
                index: index.into(),
                of: self.workers.into(),
            };
            let mut worker = self.worker(TableSet::Next, share, Position::START).await?;
            let progress = self.progress.clone();
            workers.spawn(async move { worker.advance(head, &progress).await });
        }
        while let Some(ended) = workers.join_next().await {
            ended??;
        }
        let worker = self.worker(TableSet::Next, Share::ALL, head).await?;
        Ok(worker.with_rows())
    }

    async fn worker(
        &self,
        place: TableSet,
        share: Share,
        position: Position,
    ) -> Result<Worker, Error> {
        let schema = place.schema(self.projection);
        let worker = Worker::new(
            &self.options,
            Arc::clone(&self.keyring),
            (self.projection, &self.code),
            &schema,
            (share, position),
        );
        Ok(worker.await?)
    }

    /// Compares the live tables with others, brought to the head.
    async fn compared(
        &mut self,
        worker: &mut Worker,
        place: TableSet,
        tell: impl AsyncFnMut(Differing) -> Result<(), Error>,
    ) -> Result<Compared, Error> {
        self.is_at(Phase::Compares);
        let watermark = self.watermark().await?;
        worker
            .advance(reader::head(&mut self.session).await?, &self.progress)
            .await?;
        let comparison = Comparison {
            conn: &mut self.session,
            keyring: &self.keyring,
            projection: self.projection,
            code: &self.code,
            place,
            watermark,
        };
        comparison.run(tell).await
    }

    /// Puts tables in the place of the live ones.
    async fn bring(
        &mut self,
        mut worker: Worker,
        from: TableSet,
        tell: impl AsyncFnMut(Differing) -> Result<(), Error>,
    ) -> Result<Switched, Error> {
        let found = self.compared(&mut worker, from, tell).await?;
        self.is_at(Phase::Switches);
        tables::remove(&mut self.session, self.projection, TableSet::Gone).await?;
        let deadline = Instant::now() + SWITCH_MAX;
        let locked_for = loop {
            self.approach(&mut worker).await?;
            if let Some(locked_for) = self.try_switch(&mut worker, from).await? {
                break locked_for;
            }
            if Instant::now() >= deadline {
                return Err(Error::Held(self.projection.name()));
            }
            tokio::time::sleep(PAUSE).await;
        };
        tables::blank_kept(&mut self.session, self.projection).await?;
        tables::remove(&mut self.session, self.projection, TableSet::Gone).await?;
        Ok(Switched {
            found,
            position: worker.position(),
            folded_in: Duration::ZERO,
            locked_for,
        })
    }

    /// Folds until little is left.
    async fn approach(&mut self, worker: &mut Worker) -> Result<(), Error> {
        loop {
            let head = reader::head(&mut self.session).await?;
            let left = head.since(worker.position());
            worker.advance(head, &self.progress).await?;
            if left <= NEAR {
                return Ok(());
            }
        }
    }

    /// Switches, unless another session holds one of the tables; how long the live ones were locked.
    async fn try_switch(
        &mut self,
        worker: &mut Worker,
        from: TableSet,
    ) -> Result<Option<Duration>, Error> {
        let projection = self.projection;
        let mut transaction = self.session.begin().await?;
        let progress = &self.progress;
        let locked = lock(&mut transaction, projection, worker, from, progress).await?;
        let Some(locked) = locked else {
            transaction.rollback().await?;
            return Ok(None);
        };
        let live = projector::progress(&mut *transaction, &self.topic, projection).await?;
        tables::swap(&mut transaction, projection, from).await?;
        sqlx::query(
            "insert into rebuilds (projection, position, kept_position, went_back) \
             values ($1, $2, $3, $4)",
        )
        .bind(projection.name())
        .bind(worker.position())
        .bind(live.watermark)
        .bind(from == TableSet::Kept)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(Some(locked.elapsed()))
    }

    async fn watermark(&mut self) -> Result<Position, sqlx::Error> {
        let progress = projector::progress(&mut self.session, &self.topic, self.projection);
        Ok(progress.await?.watermark)
    }

    fn begins(&self, phase: Phase, total: i64) {
        self.progress.send_replace(Progress {
            phase,
            done: 0,
            total: u64::try_from(total).unwrap_or(0),
        });
    }

    fn is_at(&self, phase: Phase) {
        self.progress.send_modify(|progress| progress.phase = phase);
    }
}

/// Locks the live tables and those that come in, within a transaction, and folds what is left into
/// these. Since when the live ones are locked; none if another session holds one of the tables.
async fn lock(
    transaction: &mut PgConnection,
    projection: Projection,
    worker: &mut Worker,
    from: TableSet,
    progress: &watch::Sender<Progress>,
) -> Result<Option<Instant>, Error> {
    if !tables::reserve(transaction, projection, from).await? {
        return Ok(None);
    }
    // That may have taken a while.
    let head = reader::head(&mut *transaction).await?;
    worker.advance(head, progress).await?;
    if !tables::lock(transaction, projection, "public").await? {
        return Ok(None);
    }
    let locked = Instant::now();
    if !tables::fit(transaction, projection, from).await? {
        return Err(Error::Shape(projection.name()));
    }
    let head = reader::head(&mut *transaction).await?;
    worker.advance(head, progress).await?;
    // The worker wrote to these with a connection of its own.
    let from = from.schema(projection);
    let is_free = tables::lock(transaction, projection, &from).await?;
    Ok(is_free.then_some(locked))
}
