//! Carries out a command on one stream: load, decide, append.
//!
//! A refusal or "nothing changes" is confirmed against the stream under the append's lock before it
//! is answered, so a stale cache costs one reload and never a lost write.

use std::sync::Arc;

use events::ids::{Position, Sequence, StreamId};
use events::record::{Metadata, Record};
use jiff::Timestamp;

use super::StoreError;
use super::append::{Append, Conflict, CredentialChange, FirstRequest, NewRequest, Verdict};
use super::decision::{Decided, Decision};
use super::point::{ExpectedStream, Point};
use super::{Ledger, Loaded, Stream, count};
use crate::mutations::{Guard, without};

/// How often a command is decided anew when other processes keep changing its stream.
pub(super) const ATTEMPTS: usize = 10;

/// A request, apart from what it asks for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks, and how.
    pub metadata: Metadata,
    /// Its idempotency key, if it has one.
    pub idempotency: Option<Idempotency>,
    /// The argon2id hash of the password it carries, if it carries one.
    pub credential: Option<String>,
}

/// The idempotency key of a request.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// HMAC of the key.
    pub key: [u8; 32],
    /// HMAC of the request.
    pub request: [u8; 32],
    /// Status of the answer when the request succeeds.
    pub status: u16,
}

/// What became of a request.
pub enum Outcome<S: Stream> {
    /// It is done, or there was nothing to do.
    Done(Arc<Loaded<S>>),
    /// It was done before, under the same idempotency key.
    Repeated(FirstRequest),
}

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<E: std::error::Error + 'static> {
    /// The decision refuses it.
    #[error("the command is refused")]
    Refused(#[source] E),
    /// It conflicts with what other streams hold, or needs what is not there: every reason.
    #[error("the store refuses the command")]
    Conflicts(Vec<Conflict>),
    /// Its idempotency key came with another request before.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// Other processes changed it at every attempt.
    #[error("the stream kept changing")]
    Contended,
    /// The stream could not be read.
    #[error(transparent)]
    Read(#[from] StoreError),
    /// The command was not appended, or it is unknown whether it was.
    #[error(transparent)]
    Append(StoreError),
}

/// One attempt at a command.
pub(super) enum Attempt<S: Stream> {
    Outcome(Outcome<S>),
    Stale,
}

impl Ledger {
    /// Does what a request asks of a stream, once.
    pub async fn execute<S: Stream>(
        &self,
        stream: &StreamId,
        command: S::Command,
        request: &Request,
    ) -> Result<Outcome<S>, ExecuteError<S::Error>> {
        let _lock = self.stream_locks.take(stream).await;
        if let Some(first) = self.first_request(request).await? {
            return repeated(first, request);
        }
        for _ in 0..ATTEMPTS {
            let loaded = self.load::<S>(stream).await?;
            match self.attempt(&loaded, command.clone(), request).await {
                Ok(Attempt::Outcome(outcome)) => return Ok(outcome),
                Ok(Attempt::Stale) => self.catch_up(&loaded).await?,
                Err(error) => {
                    S::cache(&self.caches).invalidate(stream);
                    return Err(error);
                }
            }
        }
        Err(ExecuteError::Contended)
    }

    async fn attempt<S: Stream>(
        &self,
        loaded: &Loaded<S>,
        command: S::Command,
        request: &Request,
    ) -> Result<Attempt<S>, ExecuteError<S::Error>> {
        let metadata = &request.metadata;
        let (mut append, decided) = match self.decide(loaded, command, metadata).await? {
            Decision::Refused(refusal) => {
                let seen = vec![loaded.expected()];
                return self.confirm(seen, refusal, request).await;
            }
            Decision::NothingToDo(_, decided) if without(Guard::Confirmation) => {
                let done = self.done(
                    loaded,
                    decided,
                    Position::START,
                    Timestamp::UNIX_EPOCH,
                    metadata,
                );
                return Ok(Attempt::Outcome(Outcome::Done(done)));
            }
            Decision::Append(append, decided) | Decision::NothingToDo(append, decided) => {
                (append, decided)
            }
        };
        remember(&mut append, loaded, decided.sequence, request);
        match self
            .combiner
            .append(append)
            .await
            .map_err(ExecuteError::Append)?
        {
            Verdict::Stale => Ok(Attempt::Stale),
            Verdict::Repeated(first) => repeated(first, request).map(Attempt::Outcome),
            Verdict::Conflicts(failures) => Err(ExecuteError::Conflicts(failures)),
            Verdict::Appended { position, time } => {
                let done = self.done(loaded, decided, position, time, metadata);
                Ok(Attempt::Outcome(Outcome::Done(done)))
            }
        }
    }

    /// A refusal is answered only if the streams still are where it was decided on.
    pub(super) async fn confirm<S: Stream, E: std::error::Error + 'static>(
        &self,
        streams: Vec<ExpectedStream>,
        refusal: E,
        request: &Request,
    ) -> Result<Attempt<S>, ExecuteError<E>> {
        let confirm = Append {
            streams,
            ..Append::default()
        };
        match self
            .combiner
            .append(confirm)
            .await
            .map_err(ExecuteError::Append)?
        {
            Verdict::Stale => Ok(Attempt::Stale),
            Verdict::Appended { .. } | Verdict::Repeated(_) | Verdict::Conflicts(_) => {
                // The first request with this key may have been answered meanwhile.
                match self.first_request(request).await? {
                    Some(first) => repeated(first, request).map(Attempt::Outcome),
                    None => Err(ExecuteError::Refused(refusal)),
                }
            }
        }
    }

    /// The stream after its events were appended, the last of them at `position`.
    pub(super) fn done<S: Stream>(
        &self,
        before: &Loaded<S>,
        decided: Decided<S>,
        position: Position,
        time: Timestamp,
        metadata: &Metadata,
    ) -> Arc<Loaded<S>> {
        // Without events, `position` is that of another stream's event.
        let last = match decided.events.as_slice() {
            [] => before.last,
            [_, ..] => Some(Point { position, time }),
        };
        let mut done = Loaded {
            stream: before.stream.clone(),
            sequence: decided.sequence,
            aggregate: decided.after,
            views: before.views.clone(),
            key: decided.key,
            last,
        };
        for record in self.records(before, decided.events, position, time, metadata) {
            S::show(&mut done.views, &record);
        }
        let done = Arc::new(done);
        self.keep(&done);
        done
    }

    /// The records that events became when they were appended to a stream, the last of them at
    /// `position`.
    pub(super) fn records<'a, S: Stream>(
        &'a self,
        before: &'a Loaded<S>,
        events: Vec<S::Event>,
        position: Position,
        time: Timestamp,
        metadata: &'a Metadata,
    ) -> impl Iterator<Item = Record<S::Event>> + 'a {
        let first = position.plus(1 - count(&events));
        (0..).zip(events).map(move |(offset, event)| Record {
            position: first.plus(offset),
            sequence: before.sequence.plus(1 + offset),
            store: self.store.clone(),
            stream: before.stream.clone(),
            time,
            event,
            metadata: metadata.clone(),
        })
    }

    pub(super) async fn first_request(
        &self,
        request: &Request,
    ) -> Result<Option<FirstRequest>, StoreError> {
        let asked = request.idempotency.as_ref();
        let Some(idempotency) = asked.filter(|_| !without(Guard::Repeats)) else {
            return Ok(None);
        };
        let first: Option<sqlx::types::Json<FirstRequest>> = sqlx::query_scalar(
            "select json_build_object('request', encode(request, 'hex'), 'stream', stream, \
                'sequence', sequence, 'position', position, 'status', status) \
             from idempotency_keys where store = $1 and actor = $2 and route = $3 and key = $4",
        )
        .bind(&self.store)
        .bind(actor(&request.metadata))
        .bind(&request.metadata.route)
        .bind(idempotency.key)
        .fetch_optional(&self.pool)
        .await?;
        Ok(first.map(|first| first.0))
    }
}

fn actor(metadata: &Metadata) -> String {
    format!("{}:{}", metadata.actor.kind.name(), metadata.actor.id)
}

/// Lets an append carry what the request itself leaves behind, at the stream that its answer shows.
pub(super) fn remember<S: Stream>(
    append: &mut Append,
    shown: &Loaded<S>,
    sequence: Sequence,
    request: &Request,
) {
    let stream = &shown.stream;
    if let Some(hash) = request.credential.clone() {
        append.credentials = vec![CredentialChange {
            stream: stream.clone(),
            hash: Some(hash),
        }];
    }
    let asked = request.idempotency.as_ref();
    let asked = asked.filter(|_| !without(Guard::Repeats));
    append.request = asked.map(|idempotency| NewRequest {
        actor: actor(&request.metadata),
        route: request.metadata.route.clone(),
        key: idempotency.key,
        request: idempotency.request,
        stream: stream.clone(),
        sequence,
        status: idempotency.status,
    });
}

pub(super) fn repeated<S: Stream, E: std::error::Error + 'static>(
    first: FirstRequest,
    request: &Request,
) -> Result<Outcome<S>, ExecuteError<E>> {
    let same = request
        .idempotency
        .as_ref()
        .is_some_and(|idempotency| hex::encode(idempotency.request) == first.request);
    if same {
        Ok(Outcome::Repeated(first))
    } else {
        Err(ExecuteError::KeyReused)
    }
}
