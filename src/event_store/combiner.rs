//! Combines the appends in flight into one call and one commit.
//!
//! It sends at once when a writer is idle, so a lone request waits for no timer. Within what is in
//! flight there is at most one command for each stream, claim, mark and idempotency key: commands
//! never meet inside a batch, so one never decides another's fate.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;

use super::appender::{Append, Verdict, append};

/// Most commands in one call: the batch stays below a few milliseconds.
const BATCH_MAX: usize = 256;
/// Calls at a time: while one waits for the disk, the next one checks.
const WRITERS: usize = 2;
/// Commands that may wait; more callers wait for a place.
const QUEUE_MAX: usize = 4096;

/// Hands commands to the writers.
#[derive(Clone)]
pub struct Combiner {
    queue: mpsc::Sender<Waiting>,
}

/// Why nobody knows what became of a command, or that it failed for itself.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the store did not take the command")]
pub struct AppendError(#[source] Arc<sqlx::Error>);

struct Waiting {
    append: Append,
    answer: oneshot::Sender<Result<Verdict, AppendError>>,
}

impl Combiner {
    /// Starts the combiner for one store. It ends when the last handle is dropped. `appended` is
    /// woken after each commit.
    pub fn start(pool: PgPool, store: String, appended: Arc<Notify>) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(run(pool, store, waiting, appended));
        Self { queue }
    }

    /// Appends one command; answers once it is durable, or refused, or failed.
    pub async fn append(&self, append: Append) -> Result<Verdict, AppendError> {
        let closed = || AppendError(Arc::new(sqlx::Error::PoolClosed));
        let (answer, verdict) = oneshot::channel();
        self.queue
            .send(Waiting { append, answer })
            .await
            .map_err(|_closed| closed())?;
        verdict.await.unwrap_or_else(|_dropped| Err(closed()))
    }
}

async fn run(
    pool: PgPool,
    store: String,
    mut queue: mpsc::Receiver<Waiting>,
    appended: Arc<Notify>,
) {
    let mut pending: VecDeque<Waiting> = VecDeque::new();
    let mut busy: HashSet<Vec<u8>> = HashSet::new();
    let mut writers: JoinSet<Vec<Vec<u8>>> = JoinSet::new();
    let mut open = true;
    while open || !pending.is_empty() || !writers.is_empty() {
        tokio::select! {
            received = queue.recv(), if open => match received {
                Some(waiting) => {
                    pending.push_back(waiting);
                    while let Ok(waiting) = queue.try_recv() {
                        pending.push_back(waiting);
                    }
                }
                None => open = false,
            },
            Some(finished) = writers.join_next() => {
                for key in finished.unwrap_or_default() {
                    busy.remove(&key);
                }
            }
        }
        while writers.len() < WRITERS {
            let (batch, keys) = take_batch(&mut pending, &mut busy);
            if batch.is_empty() {
                break;
            }
            let (pool, store, appended) = (pool.clone(), store.clone(), Arc::clone(&appended));
            writers.spawn(async move {
                write(&pool, &store, batch).await;
                appended.notify_waiters();
                keys
            });
        }
    }
}

/// Takes commands, oldest first, that meet neither each other nor what is in flight.
fn take_batch(
    pending: &mut VecDeque<Waiting>,
    busy: &mut HashSet<Vec<u8>>,
) -> (Vec<Waiting>, Vec<Vec<u8>>) {
    let (mut batch, mut taken) = (vec![], vec![]);
    // One that is left behind keeps its place: later ones on the same keys wait behind it.
    let mut blocked: HashSet<Vec<u8>> = HashSet::new();
    let mut left = VecDeque::new();
    while let Some(waiting) = pending.pop_front() {
        let keys = exclusive_keys(&waiting.append);
        let free = |key| !busy.contains(key) && !blocked.contains(key);
        if batch.len() < BATCH_MAX && keys.iter().all(free) {
            busy.extend(keys.iter().cloned());
            taken.extend(keys);
            batch.push(waiting);
        } else {
            blocked.extend(keys);
            left.push_back(waiting);
        }
    }
    *pending = left;
    (batch, taken)
}

/// What no two commands of a batch may share.
fn exclusive_keys(append: &Append) -> Vec<Vec<u8>> {
    let key = |kind: &str, value: &[u8]| [kind.as_bytes(), b"\0", value].concat();
    let streams = append
        .streams
        .iter()
        .map(|s| key("stream", s.stream.as_bytes()));
    let claims = append.claims.iter().map(|c| key(c.kind, &c.key));
    let marks = append.marks.iter().map(|m| key(m.kind, &m.key));
    let requests = append.request.iter().map(|r| key("request", &r.key));
    streams.chain(claims).chain(marks).chain(requests).collect()
}

/// Appends a batch; one that fails as a whole is split, so that one bad command fails alone.
async fn write(pool: &PgPool, store: &str, batch: Vec<Waiting>) {
    let mut batches = vec![batch];
    while let Some(mut batch) = batches.pop() {
        let appends: Vec<Append> = batch.iter_mut().map(|w| w.append.clone()).collect();
        match append(pool, store, &appends).await {
            Ok(verdicts) => {
                for (waiting, verdict) in batch.into_iter().zip(verdicts) {
                    answer(waiting, Ok(verdict));
                }
            }
            Err(error) if batch.len() > 1 && error.as_database_error().is_some() => {
                let second = batch.split_off(batch.len() / 2);
                batches.extend([second, batch]);
            }
            Err(error) => {
                let error = AppendError(Arc::new(error));
                for waiting in batch {
                    answer(waiting, Err(error.clone()));
                }
            }
        }
    }
}

fn answer(waiting: Waiting, verdict: Result<Verdict, AppendError>) {
    // A caller that went away does not want to know; its command stands all the same.
    drop(waiting.answer.send(verdict));
}
