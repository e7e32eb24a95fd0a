//! How far a projection is: the position up to which its views hold everything.
//!
//! Records are sent in order of position, and every batch's sent positions are written in one
//! statement. So in one snapshot everything up to the greatest sent position M is in the topic, and
//! a partition whose applied position has reached its sent position lacks nothing up to M. When all
//! have, the watermark is M; else it is the least applied position among those that have not, for
//! what those lack comes after it. Sent and applied positions are read by one statement: in two, a
//! sent position could be older than what it is compared with.
//!
//! When records stop coming, and twice a second, a projector raises its idle partitions to M by the
//! same reasoning; else a partition that slept for long would drag the watermark far back when it
//! wakes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use events::ids::Position;
use sqlx::{PgExecutor, PgPool};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep};

use super::Projection;

/// How often it looks again while a request waits.
const POLL: Duration = Duration::from_millis(5);
/// Callers who may wait to be seen; more wait for a place.
const QUEUE_MAX: usize = 256;

/// How far a projection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Progress {
    /// Everything up to here is in the views.
    pub watermark: Position,
    /// The ledger's last position.
    pub head: Position,
    /// Whether what the views lack is older than two seconds: waiting would be in vain.
    pub stalled: bool,
}

/// How far a projection is now.
pub async fn progress(
    executor: impl PgExecutor<'_>,
    topic: &str,
    projection: Projection,
) -> Result<Progress, sqlx::Error> {
    sqlx::query_as(
        "with place as ( \
             select relay.position as sent, coalesce(reached.applied, 0) as applied \
             from sent_positions relay \
             left join projection_offsets reached \
                 on reached.projection = $2 and reached.topic = relay.topic \
                 and reached.partition = relay.partition \
             where relay.topic = $1 \
         ), edge as ( \
             select coalesce(min(applied) filter (where applied < sent), max(sent), 0) as watermark \
             from place \
         ) \
         select watermark, (select coalesce(max(position), 0) from events) as head, exists ( \
             select from events where position = watermark + 1 \
             and time < clock_timestamp() - interval '2 seconds') as stalled \
         from edge",
    )
    .bind(topic)
    .bind(projection.name())
    .fetch_one(executor)
    .await
}

/// The position up to which a projection holds everything.
pub async fn watermark(
    pool: &PgPool,
    topic: &str,
    projection: Projection,
) -> Result<Position, sqlx::Error> {
    Ok(progress(pool, topic, projection).await?.watermark)
}

/// Waits for projections on behalf of many. For each there is one statement at a time, and all who
/// wait share what it sees: what began after they came, so that it sees every update answered
/// before.
pub struct Watcher {
    queues: HashMap<Projection, mpsc::Sender<Waiting>>,
}

type Caller = oneshot::Sender<Result<Progress, Arc<sqlx::Error>>>;

struct Waiting {
    deadline: Instant,
    /// The head as first seen.
    head: Option<Position>,
    caller: Caller,
}

impl Watcher {
    /// Starts to watch all projections. It ends when it is dropped.
    pub fn start(pool: &PgPool, topic: &str) -> Self {
        let queues = Projection::ALL.into_iter().map(|projection| {
            let (queue, coming) = mpsc::channel(QUEUE_MAX);
            tokio::spawn(watch(pool.clone(), topic.to_owned(), projection, coming));
            (projection, queue)
        });
        Self {
            queues: queues.collect(),
        }
    }

    /// Waits until a projection holds everything that was appended before the call, for `patience`
    /// at most, and not at all when it is stalled. Says how far it is then, against that same head.
    pub async fn caught_up(
        &self,
        projection: Projection,
        patience: Duration,
    ) -> Result<Progress, Arc<sqlx::Error>> {
        let closed = || Arc::new(sqlx::Error::PoolClosed);
        let (caller, progress) = oneshot::channel();
        let waiting = Waiting {
            deadline: Instant::now() + patience,
            head: None,
            caller,
        };
        let queue = self.queues.get(&projection).ok_or_else(closed)?;
        queue.send(waiting).await.map_err(|_ended| closed())?;
        progress.await.map_err(|_ended| closed())?
    }
}

/// Looks whenever a request asks, and again and again while a request waits.
async fn watch(
    pool: PgPool,
    topic: String,
    projection: Projection,
    mut coming: mpsc::Receiver<Waiting>,
) {
    let mut waiting: Vec<Waiting> = vec![];
    loop {
        tokio::select! {
            came = coming.recv_many(&mut waiting, QUEUE_MAX) => if came == 0 { return },
            () = sleep(POLL), if !waiting.is_empty() => {}
        }
        // A caller that went away does not want to know.
        waiting.retain(|one| !one.caller.is_closed());
        if waiting.is_empty() {
            continue;
        }
        match progress(&pool, &topic, projection).await {
            Ok(now) => {
                let still = waiting.into_iter().filter_map(|one| one.see(now));
                waiting = still.collect();
            }
            Err(error) => {
                let error = Arc::new(error);
                for Waiting { caller, .. } in waiting.drain(..) {
                    caller.send(Err(Arc::clone(&error))).ok();
                }
            }
        }
    }
}

impl Waiting {
    /// Answers, unless there is something left to wait for.
    fn see(mut self, now: Progress) -> Option<Self> {
        let head = *self.head.get_or_insert(now.head);
        if now.watermark < head && !now.stalled && Instant::now() + POLL < self.deadline {
            return Some(self);
        }
        self.caller.send(Ok(Progress { head, ..now })).ok();
        None
    }
}
