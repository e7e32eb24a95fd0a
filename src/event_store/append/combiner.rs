//! Combines the appends in flight into one call and one commit.
//!
//! It sends at once when no call is in flight, so a lone request waits for no timer. A call costs the
//! store as much as six commands in it: a second one starts only with half as many commands as the
//! first has. Within what is in flight there is at most one command for each stream, claim, mark and
//! idempotency key: commands never meet inside a batch, so one never decides another's fate.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use events::ids::StoreName;
use sqlx::error::DatabaseError;
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use crate::event_store::StoreError;
use crate::event_store::appender::{Append, Verdict, append};
use crate::event_store::cache::high_water_mark::HighWaterMark;
use crate::event_store::cache::tail::OwnAppends;

/// Most commands in one call: the batch stays below a few milliseconds.
const BATCH_MAX: usize = 256;
/// Calls at a time: while one waits for the disk, the next one checks.
const WRITERS: usize = 2;
/// How long a writer keeps a connection that it does not use.
const KEPT_MAX: Duration = Duration::from_secs(1);
/// Commands that may wait; more callers wait for a place.
const QUEUE_MAX: usize = 4096;

/// What Postgres says when `lock_timeout` is over.
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// Class of codes: no memory, disk or connection is left.
const INSUFFICIENT_RESOURCES: &str = "53";
/// Class of codes: `statement_timeout` is over, or the server stops.
const OPERATOR_INTERVENTION: &str = "57";

/// Hands commands to the writers.
#[derive(Clone)]
pub struct Combiner {
    queue: mpsc::Sender<Waiting>,
}

/// The task that appends has ended.
#[derive(Debug, thiserror::Error)]
#[error("the task that appends has ended")]
struct Ended;

type Caller = oneshot::Sender<Result<Verdict, StoreError>>;

struct Waiting {
    append: Append,
    caller: Caller,
}

/// Commands of one call, each beside the caller who waits for its verdict.
#[derive(Default)]
struct Batch {
    appends: Vec<Append>,
    callers: Vec<Caller>,
}

/// What a call in flight keeps others from.
#[derive(Default)]
struct Flight {
    keys: Vec<Key>,
    commands: usize,
}

impl Batch {
    fn push(&mut self, waiting: Waiting) {
        self.appends.push(waiting.append);
        self.callers.push(waiting.caller);
    }

    /// Without the commands that nobody waits for any more.
    fn wanted(self) -> Self {
        if !self.callers.iter().any(Caller::is_closed) {
            return self;
        }
        let mut wanted = Self::default();
        for (append, caller) in self.appends.into_iter().zip(self.callers) {
            if !caller.is_closed() {
                wanted.push(Waiting { append, caller });
            }
        }
        wanted
    }

    fn split_off(&mut self, at: usize) -> Self {
        Self {
            appends: self.appends.split_off(at),
            callers: self.callers.split_off(at),
        }
    }
}

impl Combiner {
    /// Starts the combiner for one store. It ends when the last handle is dropped. `appended` is
    /// woken after each commit. Nothing is written to a store that has not the newest record that this process has seen. What is
    /// written, `own` tells.
    pub fn start(
        pool: PgPool,
        store: StoreName,
        appended: Arc<Notify>,
        high_water_mark: Arc<HighWaterMark>,
        own: OwnAppends,
    ) -> Self {
        let (queue, waiting) = mpsc::channel(BATCH_MAX);
        tokio::spawn(run(pool, store, waiting, appended, high_water_mark, own));
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

async fn run(
    pool: PgPool,
    store: StoreName,
    mut queue: mpsc::Receiver<Waiting>,
    appended: Arc<Notify>,
    high_water_mark: Arc<HighWaterMark>,
    own: OwnAppends,
) {
    let mut pending: VecDeque<Waiting> = VecDeque::new();
    let mut busy: HashSet<Key> = HashSet::new();
    let hasher = RandomState::new();
    let mut writers: JoinSet<Writer> = JoinSet::new();
    let mut in_flight: HashMap<Id, Flight> = HashMap::new();
    let mut idle: Vec<Writer> = vec![];
    let mut open = true;
    while open || !pending.is_empty() || !writers.is_empty() {
        tokio::select! {
            received = queue.recv(), if open && pending.len() < QUEUE_MAX => match received {
                Some(waiting) => {
                    pending.push_back(waiting);
                    while pending.len() < QUEUE_MAX && let Ok(waiting) = queue.try_recv() {
                        pending.push_back(waiting);
                    }
                }
                None => open = false,
            },
            Some(finished) = writers.join_next_with_id() => {
                // However it ended, nothing of it is in flight any more.
                let id = match finished {
                    Ok((id, writer)) => {
                        idle.push(writer);
                        id
                    }
                    Err(error) => error.id(),
                };
                for key in in_flight.remove(&id).unwrap_or_default().keys {
                    busy.remove(&key);
                }
            }
        }
        while writers.len() < WRITERS {
            let flying: usize = in_flight.values().map(|flight| flight.commands).sum();
            if pending.len() * 2 < flying {
                break;
            }
            let (batch, keys) = take_batch(&mut pending, &mut busy, &hasher);
            if batch.appends.is_empty() {
                break;
            }
            let commands = batch.appends.len();
            let mut writer = idle.pop().unwrap_or_else(|| Writer {
                pool: pool.clone(),
                high_water_mark: Arc::clone(&high_water_mark),
                own: own.clone(),
                connection: None,
            });
            let (store, appended) = (store.clone(), Arc::clone(&appended));
            let task = writers.spawn(async move {
                writer.write(&store, batch).await;
                appended.notify_waiters();
                writer
            });
            in_flight.insert(task.id(), Flight { keys, commands });
        }
    }
}

/// Takes commands, oldest first, that meet neither each other nor what is in flight. Those whose
/// callers left are dropped.
fn take_batch(
    pending: &mut VecDeque<Waiting>,
    busy: &mut HashSet<Key>,
    hasher: &RandomState,
) -> (Batch, Vec<Key>) {
    let (mut batch, mut taken) = (Batch::default(), vec![]);
    // One call judges all its commands before it writes any: a command that needs a group must not
    // be in one call with a command on that group, which may delete it.
    let (mut written, mut needed) = (HashSet::new(), HashSet::new());
    // One that is left behind keeps its place: later ones on the same keys wait behind it.
    let mut blocked: HashSet<Key> = HashSet::new();
    let mut left = vec![];
    while batch.appends.len() < BATCH_MAX
        && let Some(waiting) = pending.pop_front()
    {
        if waiting.caller.is_closed() {
            continue;
        }
        let keys = || exclusive_keys(&waiting.append, hasher);
        let free = |key| !busy.contains(&key) && !blocked.contains(&key);
        let streams = || stream_keys(&waiting.append, hasher);
        let groups = || group_keys(&waiting.append, hasher);
        let apart = streams().all(|key| !needed.contains(&key))
            && groups().all(|key| !written.contains(&key));
        if apart && keys().all(free) {
            written.extend(streams());
            needed.extend(groups());
            busy.extend(keys());
            taken.extend(keys());
            batch.push(waiting);
        } else {
            blocked.extend(keys());
            left.push(waiting);
        }
    }
    for waiting in left.into_iter().rev() {
        pending.push_front(waiting);
    }
    (batch, taken)
}

/// What no two commands in flight may share, as its hash: should two hashes ever be the same by
/// chance, a command waits once for nothing.
type Key = u64;

fn exclusive_keys(append: &Append, hasher: &RandomState) -> impl Iterator<Item = Key> {
    let key = |kind: &str, value: &[u8]| hasher.hash_one((kind, value));
    let streams = stream_keys(append, hasher);
    let claims = append.claims.iter().map(move |c| key(c.kind, &c.key));
    let marks = append.marks.iter().map(move |m| key(m.kind, &m.key));
    let requests = append.request.iter().map(move |r| key("request", &r.key));
    streams.chain(claims).chain(marks).chain(requests)
}

fn stream_keys(append: &Append, hasher: &RandomState) -> impl Iterator<Item = Key> {
    let streams = append.streams.iter();
    streams.map(move |s| hasher.hash_one(("stream", s.stream.as_bytes())))
}

/// The streams of the groups that a command needs. Any number of commands may need one.
fn group_keys(append: &Append, hasher: &RandomState) -> impl Iterator<Item = Key> {
    let groups = append.groups.iter();
    groups.map(move |group| hasher.hash_one(("stream", group.as_bytes())))
}

/// Makes calls, one at a time, over a connection that it keeps: the pool would ask the server for
/// a sign of life whenever it got one back, and the next call would wait for that.
struct Writer {
    pool: PgPool,
    high_water_mark: Arc<HighWaterMark>,
    own: OwnAppends,
    /// The connection, and when it was last used.
    connection: Option<(PoolConnection<Postgres>, Instant)>,
}

impl Writer {
    /// Appends a batch; one that fails as a whole is split, so that one bad command fails alone. What
    /// nobody waits for any more is not tried again.
    async fn write(&mut self, store: &StoreName, batch: Batch) {
        let mut batches = vec![batch];
        while let Some(mut batch) = batches.pop().map(Batch::wanted) {
            if batch.appends.is_empty() {
                continue;
            }
            match self.append(store, &batch.appends).await {
                Ok(verdicts) => {
                    self.own.appended(&batch.appends, &verdicts);
                    for (caller, verdict) in batch.callers.into_iter().zip(verdicts) {
                        answer(caller, Ok(verdict));
                    }
                }
                Err(error) if batch.appends.len() > 1 && may_be_one_commands(&error) => {
                    let second = batch.split_off(batch.appends.len() / 2);
                    batches.extend([second, batch]);
                }
                Err(error) => {
                    for caller in batch.callers {
                        answer(caller, Err(error.clone()));
                    }
                }
            }
        }
    }

    /// One call. After an error the pool judges whether the connection is any good.
    async fn append(
        &mut self,
        store: &StoreName,
        batch: &[Append],
    ) -> Result<Vec<Verdict>, StoreError> {
        // One that idled may be dead, as all are after a restart of Postgres: back in the pool it is
        // asked before it is used again.
        let fresh = |(_, used): &(_, Instant)| used.elapsed() < KEPT_MAX;
        let mut connection = match self.connection.take().filter(fresh) {
            Some((connection, _)) => connection,
            None => self.pool.acquire().await?,
        };
        let verdicts = append(&mut connection, store, self.high_water_mark.get(), batch).await?;
        self.connection = Some((connection, Instant::now()));
        Ok(verdicts)
    }
}

/// Whether an error may be one command's own. A lock that was not to be had, a call that took too long
/// and a server that is out of resources or stops befall any part of a batch.
fn may_be_one_commands(error: &StoreError) -> bool {
    let StoreError::Unavailable(error) = error else {
        return false;
    };
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| {
        code != LOCK_NOT_AVAILABLE
            && !code.starts_with(INSUFFICIENT_RESOURCES)
            && !code.starts_with(OPERATOR_INTERVENTION)
    })
}

fn answer(caller: Caller, verdict: Result<Verdict, StoreError>) {
    // A caller that went away does not want to know; its command stands all the same.
    drop(caller.send(verdict));
}

#[cfg(test)]
mod tests {
    use events::ids::Sequence;
    use events::record::StreamKind;

    use super::*;
    use crate::event_store::appender::ExpectedStream;

    type Verdicts = oneshot::Receiver<Result<Verdict, StoreError>>;

    /// A command, and its caller's side.
    fn waiting(stream: &str, groups: &[&str]) -> (Waiting, Verdicts) {
        let (caller, verdict) = oneshot::channel();
        let expected = ExpectedStream {
            kind: StreamKind::Customer,
            stream: stream.into(),
            sequence: Sequence::FIRST,
        };
        let append = Append {
            streams: vec![expected],
            groups: groups.iter().copied().map(Into::into).collect(),
            ..Append::default()
        };
        (Waiting { append, caller }, verdict)
    }

    fn streams(appends: &[Append]) -> Vec<&str> {
        let appends = appends.iter();
        appends
            .map(|append| append.streams[0].stream.as_str())
            .collect()
    }

    /// The streams of the first call, of commands that came at the same time.
    fn first_call(commands: Vec<(Waiting, Verdicts)>) -> Vec<String> {
        let (mut pending, _callers): (VecDeque<_>, Vec<_>) = commands.into_iter().unzip();
        let (batch, _) = take_batch(&mut pending, &mut HashSet::new(), &RandomState::new());
        let streams = streams(&batch.appends).into_iter();
        streams.map(ToOwned::to_owned).collect()
    }

    #[test]
    fn what_happens_to_a_group_and_what_needs_it_are_not_in_one_call() {
        for (commands, expected) in [
            (
                vec![waiting("group", &[]), waiting("a", &["group"])],
                &["group"] as &[_],
            ),
            (
                vec![waiting("a", &["group"]), waiting("group", &[])],
                &["a"],
            ),
            (
                vec![waiting("a", &["group"]), waiting("b", &["group"])],
                &["a", "b"],
            ),
            (
                vec![waiting("group", &[]), waiting("a", &["other"])],
                &["group", "a"],
            ),
        ] {
            assert_eq!(first_call(commands), expected);
        }
    }

    #[test]
    fn what_is_left_behind_keeps_its_place() {
        let names: Vec<String> = (0..BATCH_MAX + 2)
            .map(|number| number.to_string())
            .collect();
        let first = ["busy", "busy"].into_iter();
        let commands = first.chain(names.iter().map(String::as_str));
        let (mut pending, _callers): (VecDeque<_>, Vec<_>) =
            commands.map(|stream| waiting(stream, &[])).unzip();
        let (batch, _) = take_batch(&mut pending, &mut HashSet::new(), &RandomState::new());
        assert_eq!(batch.appends.len(), BATCH_MAX);
        let left: Vec<Append> = pending.into_iter().map(|waiting| waiting.append).collect();
        let last = &names[BATCH_MAX - 1..];
        assert_eq!(streams(&left), [&["busy".to_owned()], last].concat());
    }

    #[test]
    fn what_nobody_waits_for_is_not_written() {
        let (a, _verdict) = waiting("a", &[]);
        let (b, _) = waiting("b", &[]);
        let mut pending = VecDeque::from([b, a]);
        let (batch, _) = take_batch(&mut pending, &mut HashSet::new(), &RandomState::new());
        assert_eq!(streams(&batch.appends), ["a"]);
        let (mut batch, (c, verdict)) = (batch, waiting("c", &[]));
        batch.push(c);
        drop(verdict);
        assert_eq!(streams(&batch.wanted().appends), ["a"]);
    }

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
            let (waiting, verdict) = waiting(&number.to_string(), &[]);
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
