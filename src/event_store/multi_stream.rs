//! One command over many streams, with one verdict: all of it is done, or nothing is.
//!
//! One of the streams is what the answer shows; its place is remembered with the request's
//! idempotency key. It is expected where it was seen like all the others, whether or not anything
//! happens in it, so the answer is never older than what the command did.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;

use events::ids::StreamId;
use events::record::Metadata;
use futures_util::TryStreamExt as _;
use tokio::task::coop::consume_budget;

use super::StoreError;
use super::append::{Append, Verdict};
use super::count;
use super::decision::{Decided, Decision};
use super::execute::{ATTEMPTS, Attempt, remember, repeated};
use super::point::ExpectedStream;
use super::reader;
use super::{ExecuteError, Ledger, Loaded, Outcome, Request, Stream};

/// Why a command over many streams was not done: what each of them refuses.
#[derive(Debug, thiserror::Error)]
#[error("the command is refused")]
pub struct MultiStreamRefusal<A, B> {
    /// What the stream that the answer shows refuses.
    pub shown: Option<A>,
    /// What the others refuse, by stream, in the order they were given in.
    pub others: Vec<(StreamId, B)>,
}

/// What [`Ledger::execute_multi_stream`] fails with.
pub(crate) type MultiStreamError<A, B> = ExecuteError<
    MultiStreamRefusal<<A as cqrs_es::Aggregate>::Error, <B as cqrs_es::Aggregate>::Error>,
>;

/// What the streams make of a command.
enum Decisions<A: Stream, B: Stream> {
    /// None of them refuses.
    Append(Box<Joined<A, B>>),
    /// At least one of them refuses.
    Refused(MultiStreamRefusal<A::Error, B::Error>),
}

/// The decisions of many streams, to be appended as one.
struct Joined<A: Stream, B: Stream> {
    append: Append,
    /// The stream that the answer shows.
    shown: Decided<A>,
    /// The others, in the order they were given in.
    others: Vec<Decided<B>>,
}

impl Ledger {
    /// Does what a request asks of many streams, once and with one verdict. `others` names a stream
    /// once at most.
    pub(crate) async fn execute_multi_stream<A: Stream, B: Stream>(
        &self,
        shown: (&StreamId, A::Command),
        others: Vec<(StreamId, B::Command)>,
        request: &Request,
    ) -> Result<Outcome<A>, MultiStreamError<A, B>> {
        // What is not cached is read before the others' turns are taken away from them.
        self.load_all::<B>(&names(&others)).await?;
        let streams = names(&others).into_iter().chain([shown.0]);
        let _lock = self.stream_locks.take_all(streams).await;
        if let Some(first) = self.first_request(request).await? {
            return repeated(first, request);
        }
        for _ in 0..ATTEMPTS {
            let loaded = self.load_all::<B>(&names(&others)).await?;
            match self
                .attempt_multi_stream(&shown, &others, &loaded, request)
                .await
            {
                Ok(Attempt::Outcome(outcome)) => return Ok(outcome),
                Ok(Attempt::Stale) => {
                    A::cache(&self.caches).invalidate(shown.0);
                    self.forget_moved(&loaded).await?;
                }
                Err(error) => {
                    A::cache(&self.caches).invalidate(shown.0);
                    for loaded in &loaded {
                        B::cache(&self.caches).invalidate(&loaded.stream);
                    }
                    return Err(error);
                }
            }
        }
        Err(ExecuteError::Contended)
    }

    async fn attempt_multi_stream<A: Stream, B: Stream>(
        &self,
        shown: &(&StreamId, A::Command),
        others: &[(StreamId, B::Command)],
        loaded: &[Arc<Loaded<B>>],
        request: &Request,
    ) -> Result<Attempt<A>, MultiStreamError<A, B>> {
        let metadata = &request.metadata;
        let before = self.load::<A>(shown.0).await?;
        let decisions = self
            .decide_all((&before, &shown.1), others, loaded, metadata)
            .await?;
        let joined = match decisions {
            Decisions::Append(joined) => *joined,
            Decisions::Refused(refusal) => {
                let seen = loaded.iter().map(|loaded| loaded.expected());
                let seen = std::iter::once(before.expected()).chain(seen).collect();
                return self.confirm(seen, refusal, request).await;
            }
        };
        let Joined {
            mut append,
            shown: decided,
            others: parts,
        } = joined;
        let appended = count(&append.events);
        remember(&mut append, &before, decided.sequence, request);
        match self
            .combiner
            .append(append)
            .await
            .map_err(ExecuteError::Append)?
        {
            Verdict::Stale => Ok(Attempt::Stale),
            Verdict::Repeated(first) => repeated(first, request).map(Attempt::Outcome),
            Verdict::Conflicts(conflicts) => Err(ExecuteError::Conflicts(conflicts)),
            Verdict::Appended { position, time } => {
                // The events of each stream stand together, in the order of the streams.
                let mut last = position.plus(count(&decided.events) - appended);
                let done = self.done(&before, decided, last, time, metadata);
                for (before, decided) in loaded.iter().zip(parts) {
                    consume_budget().await;
                    last = last.plus(count(&decided.events));
                    self.done(before, decided, last, time, metadata);
                }
                Ok(Attempt::Outcome(Outcome::Done(done)))
            }
        }
    }

    /// Has every stream decide, and gathers what they append, or everything that they refuse.
    async fn decide_all<A: Stream, B: Stream>(
        &self,
        shown: (&Loaded<A>, &A::Command),
        others: &[(StreamId, B::Command)],
        loaded: &[Arc<Loaded<B>>],
        metadata: &Metadata,
    ) -> Result<Decisions<A, B>, StoreError> {
        let mut append = Append::default();
        let mut refusal = MultiStreamRefusal {
            shown: None,
            others: vec![],
        };
        let (before, command) = shown;
        let decided = match self.decide(before, command.clone(), metadata).await? {
            Decision::Append(part, decided) | Decision::NothingToDo(part, decided) => {
                append.absorb(part);
                Some(decided)
            }
            Decision::Refused(refused) => {
                refusal.shown = Some(refused);
                None
            }
        };
        let mut parts = Vec::with_capacity(others.len());
        for ((stream, command), loaded) in others.iter().zip(loaded) {
            consume_budget().await;
            match self.decide(loaded, command.clone(), metadata).await? {
                Decision::Append(part, decided) | Decision::NothingToDo(part, decided) => {
                    append.absorb(part);
                    parts.push(decided);
                }
                Decision::Refused(refused) => refusal.others.push((stream.clone(), refused)),
            }
        }
        append.groups.sort_unstable();
        append.groups.dedup();
        Ok(match decided {
            Some(shown) if refusal.others.is_empty() => Decisions::Append(Box::new(Joined {
                append,
                shown,
                others: parts,
            })),
            Some(_) | None => Decisions::Refused(refusal),
        })
    }

    /// Streams as they are now, or were when they were cached, in the order asked for. One read
    /// brings all that are not cached.
    async fn load_all<S: Stream>(
        &self,
        streams: &[&StreamId],
    ) -> Result<Vec<Arc<Loaded<S>>>, StoreError> {
        let cached: Vec<_> = streams
            .iter()
            .map(|stream| S::cache(&self.caches).get(*stream))
            .collect();
        let pairs = || streams.iter().copied().zip(&cached);
        let absent: Vec<&StreamId> = pairs()
            .filter(|(_, cached)| cached.is_none())
            .map(|(stream, _)| stream)
            .collect();
        let read = self.read_all::<S>(&absent).await?;
        Ok(pairs()
            .map(|(stream, cached)| {
                cached
                    .clone()
                    .or_else(|| read.get(stream).cloned())
                    .unwrap_or_else(|| Arc::new(Loaded::unborn(stream.clone(), None)))
            })
            .collect())
    }

    /// The streams of these that exist, from the store into the cache.
    async fn read_all<S: Stream>(
        &self,
        streams: &[&StreamId],
    ) -> Result<HashMap<StreamId, Arc<Loaded<S>>>, StoreError> {
        let mut found: HashMap<StreamId, Loaded<S>> = HashMap::new();
        if streams.is_empty() {
            return Ok(HashMap::new());
        }
        let mut stored = pin!(reader::streams(&self.pool, S::KIND, streams));
        while let Some((stored, key)) = stored.try_next().await? {
            consume_budget().await;
            if let Some(loaded) = found.get_mut(&stored.stream) {
                loaded.fold(&stored)?;
                continue;
            }
            let key = reader::key_of(&self.keyring, &stored, key.as_ref())?;
            let mut loaded = Loaded::unborn(stored.stream.clone(), key.map(Arc::new));
            loaded.fold(&stored)?;
            found.insert(stored.stream, loaded);
        }
        let arced = found.into_iter().map(|(stream, loaded)| {
            let loaded = Arc::new(loaded);
            self.keep(&loaded);
            (stream, loaded)
        });
        Ok(arced.collect())
    }

    /// Forgets those streams that have moved on; the others need not be read again.
    async fn forget_moved<S: Stream>(&self, seen: &[Arc<Loaded<S>>]) -> Result<(), StoreError> {
        let seen: Vec<ExpectedStream> = seen.iter().map(|loaded| loaded.expected()).collect();
        for stream in reader::moved(&self.pool, S::KIND, &seen).await? {
            S::cache(&self.caches).invalidate(&stream);
        }
        Ok(())
    }
}

fn names<C>(commands: &[(StreamId, C)]) -> Vec<&StreamId> {
    commands.iter().map(|(stream, _)| stream).collect()
}
