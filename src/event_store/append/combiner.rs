//! Combines the appends in flight into one call and one commit.
//!
//! It sends at once when no call is in flight, so a lone request waits for no timer. A call costs the
//! store as much as six commands in it: a second one starts only with half as many commands as the
//! first has.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::RandomState;
use std::sync::Arc;

use events::ids::StoreName;
use sqlx::PgPool;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::{Id, JoinError, JoinSet};

use super::batch::{BATCH_MAX, Key, Waiting, take_batch};
use super::writer::Writer;
use crate::event_store::StoreError;
use crate::event_store::append::{Append, Verdict};
use crate::event_store::cache::high_water_mark::HighWaterMark;
use crate::event_store::cache::tail::OwnAppends;

/// Calls at a time: while one waits for the disk, the next one checks.
const WRITERS: usize = 2;
/// Commands that may wait; more callers wait for a place.
const QUEUE_MAX: usize = 4096;

/// Hands commands to the writers.
#[derive(Clone)]
pub struct Combiner {
    queue: mpsc::Sender<Waiting>,
}

/// The task that appends has ended.
#[derive(Debug, thiserror::Error)]
#[error("the task that appends has ended")]
struct Ended;

/// What a call in flight keeps others from.
#[derive(Default)]
struct Flight {
    keys: Vec<Key>,
    commands: usize,
}

impl Combiner {
    /// Starts the combiner for one store. It ends when the last handle is dropped. `appended` is
    /// woken after each commit, and `own` hears what was written. Nothing is written to a store that
    /// lacks the record at the high-water mark.
    pub fn start(
        pool: PgPool,
        store: StoreName,
        appended: Arc<Notify>,
        high_water_mark: Arc<HighWaterMark>,
        own: OwnAppends,
    ) -> Self {
        let (queue, waiting) = mpsc::channel(BATCH_MAX);
        let new_writer = move || {
            let high_water_mark = Arc::clone(&high_water_mark);
            Writer::new(pool.clone(), store.clone(), high_water_mark, own.clone())
        };
        tokio::spawn(Dispatcher::new(new_writer, appended).run(waiting));
        Self { queue }
    }

    /// Appends one command; answers once it is durable, or refused, or failed.
    pub async fn append(&self, append: Append) -> Result<Verdict, StoreError> {
        let closed = || StoreError::unknown(Ended);
        let (caller, verdict) = oneshot::channel();
        self.queue
            .send(Waiting { append, caller })
            .await
            .map_err(|_closed| closed())?;
        verdict.await.unwrap_or_else(|_dropped| Err(closed()))
    }
}

/// Gives what waits to the writers.
struct Dispatcher<N> {
    new_writer: N,
    appended: Arc<Notify>,
    pending: VecDeque<Waiting>,
    busy: HashSet<Key>,
    hasher: RandomState,
    writers: JoinSet<Writer>,
    in_flight: HashMap<Id, Flight>,
    idle: Vec<Writer>,
}

impl<N: Fn() -> Writer> Dispatcher<N> {
    fn new(new_writer: N, appended: Arc<Notify>) -> Self {
        Self {
            new_writer,
            appended,
            pending: VecDeque::new(),
            busy: HashSet::new(),
            hasher: RandomState::new(),
            writers: JoinSet::new(),
            in_flight: HashMap::new(),
            idle: vec![],
        }
    }

    async fn run(mut self, mut queue: mpsc::Receiver<Waiting>) {
        let mut open = true;
        while open || !self.pending.is_empty() || !self.writers.is_empty() {
            tokio::select! {
                received = queue.recv(), if open && self.pending.len() < QUEUE_MAX => match received {
                    Some(waiting) => {
                        self.pending.push_back(waiting);
                        while self.pending.len() < QUEUE_MAX && let Ok(waiting) = queue.try_recv() {
                            self.pending.push_back(waiting);
                        }
                    }
                    None => open = false,
                },
                Some(finished) = self.writers.join_next_with_id() => self.land(finished),
            }
            while self.writers.len() < WRITERS && self.dispatch() {}
        }
    }

    /// Starts a call, if enough waits for it.
    fn dispatch(&mut self) -> bool {
        let flying: usize = self.in_flight.values().map(|flight| flight.commands).sum();
        if self.pending.len() * 2 < flying {
            return false;
        }
        let (batch, keys) = take_batch(&mut self.pending, &mut self.busy, &self.hasher);
        if batch.appends.is_empty() {
            return false;
        }
        let commands = batch.appends.len();
        let mut writer = self.idle.pop().unwrap_or_else(&self.new_writer);
        let appended = Arc::clone(&self.appended);
        let task = self.writers.spawn(async move {
            writer.write(batch).await;
            appended.notify_waiters();
            writer
        });
        self.in_flight.insert(task.id(), Flight { keys, commands });
        true
    }

    /// However a call ended, nothing of it is in flight any more.
    fn land(&mut self, finished: Result<(Id, Writer), JoinError>) {
        let id = match finished {
            Ok((id, writer)) => {
                self.idle.push(writer);
                id
            }
            Err(error) => error.id(),
        };
        for key in self.in_flight.remove(&id).unwrap_or_default().keys {
            self.busy.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use events::ids::Sequence;
    use events::record::StreamKind;

    use super::*;
    use crate::event_store::point::ExpectedStream;

    #[tokio::test]
    async fn callers_wait_for_a_place_while_the_store_is_away() {
        let pool = PgPool::connect_lazy("postgres://127.0.0.1:1/nowhere").unwrap();
        let (appended, high_water_mark) = (Arc::default(), Arc::default());
        let combiner = Combiner::start(
            pool,
            "main".into(),
            appended,
            high_water_mark,
            OwnAppends::new().0,
        );
        let mut callers = vec![];
        for number in 0..2 * QUEUE_MAX {
            let (caller, verdict) = oneshot::channel();
            let append = Append {
                streams: vec![ExpectedStream {
                    kind: StreamKind::Customer,
                    stream: number.to_string().into(),
                    sequence: Sequence::FIRST,
                }],
                ..Append::default()
            };
            let waiting = Waiting { append, caller };
            if combiner.queue.try_send(waiting).is_err() {
                break;
            }
            callers.push(verdict);
            tokio::task::yield_now().await;
        }
        let places = QUEUE_MAX + (WRITERS + 1) * BATCH_MAX;
        assert!((QUEUE_MAX..=places).contains(&callers.len()));
    }
}
