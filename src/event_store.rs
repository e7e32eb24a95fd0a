//! The store: load → decide → append.
//!
//! Decisions are those of the aggregates ([`crate::domain::customer`], [`crate::domain::group`]) through cqrs-es'
//! `Aggregate`; appending, order, keys and caching are the ledger's own. A refusal or "nothing
//! changes" is confirmed against the stream under the append's lock before it is answered, so a
//! stale cache costs one reload and never a lost write.

pub mod appender;
pub mod combiner;
mod cqrs;
mod current;
pub mod keyring;
mod load;
pub mod new_ids;
pub mod newest;
mod opened;
pub mod others;
pub mod past;
pub mod reader;
pub mod repository;
mod snapshots;
pub mod standing;
mod streams;
mod together;
mod turns;

use std::sync::Arc;

use cqrs_es::event_sink::EventSink;
use events::record::{Metadata, Record, StoredRecord};
use jiff::Timestamp;
use moka::sync::Cache;
use serde::Serialize;
use sqlx::PgPool;
use tokio::sync::Notify;

use self::appender::{
    Append, ClaimChange, CredentialChange, ExpectedStream, Failure, FirstRequest, KeyChange,
    MarkChange, NewEvent, NewRequest, Verdict,
};
use self::combiner::{AppendError, Combiner};
use self::keyring::{Keyring, Place, StreamKey};
use self::newest::{Newest, Point};
use self::others::{Others, Own};
use self::reader::ReadError;
use self::standing::{Seen, Standing};
pub use self::streams::Stream;
pub use self::together::{RefusedTogether, TogetherError};
use self::turns::Turns;
use crate::domain::claims::{Holds, is_id};
use crate::domain::customer::Customer;
use crate::domain::group::CustomerGroup;
use crate::mutations::{Guard, without};

/// How often a command is decided anew when other processes keep changing its stream.
const ATTEMPTS: usize = 10;
/// Approximate bytes of cached streams, customers and groups each.
const CACHE_BYTES: u64 = 24 * 1024 * 1024;
/// Idempotency keys that one statement deletes.
const FORGOTTEN_AT_ONCE: i64 = 5000;
/// Ids of the shops whose streams are remembered.
const IDS_MAX: u64 = 32 * 1024;

/// One store's part of the ledger.
pub struct Ledger {
    /// Connections for reading.
    pub pool: PgPool,
    /// The keys.
    pub keyring: Arc<Keyring>,
    /// The store.
    pub store: String,
    combiner: Combiner,
    newest: Arc<Newest>,
    standing: Standing,
    /// The streams of ids, by kind and id: what once held an id holds it for good.
    ids: Cache<(String, String), String>,
    customers: Cache<String, Arc<Loaded<Customer>>>,
    groups: Cache<String, Arc<Loaded<CustomerGroup>>>,
    turns: Arc<Turns>,
}

/// A stream as loaded: its state, its views and its key, all folded from the same records.
#[derive(Clone)]
pub struct Loaded<S: Stream> {
    /// The stream.
    pub stream: String,
    /// Its last sequence; 0 when it does not exist.
    pub sequence: i64,
    /// The state.
    pub aggregate: S,
    /// The views of the state.
    pub views: S::Views,
    key: Option<Arc<StreamKey>>,
    /// Its last record.
    last: Option<Point>,
}

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
    /// The store refuses it, for all these reasons.
    #[error("the store refuses the command")]
    Failed(Vec<Failure>),
    /// Its idempotency key came with another request before.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// Others kept changing the same stream.
    #[error("the stream kept changing")]
    Contended,
    /// The stream could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store did not take the command; whether it stands is not known.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// What a command made of one stream.
struct Decided<S: Stream> {
    after: S,
    events: Vec<S::Event>,
    sequence: i64,
    key: Option<Arc<StreamKey>>,
}

/// One attempt at a command.
enum Attempt<S: Stream> {
    Outcome(Outcome<S>),
    Stale,
}

impl Ledger {
    /// Opens one store over a pool for reading and one for writing. `appended` is woken after each
    /// commit.
    pub fn open(
        pool: PgPool,
        writers: PgPool,
        keyring: Arc<Keyring>,
        store: String,
        appended: Arc<Notify>,
    ) -> Self {
        let newest = Arc::new(Newest::default());
        let (customers, groups, turns) = (cache(), cache(), Arc::new(Turns::new()));
        let (own, heard) = Own::new();
        let others = Others {
            pool: pool.clone(),
            newest: Arc::clone(&newest),
            turns: Arc::clone(&turns),
            customers: Cache::clone(&customers),
            groups: Cache::clone(&groups),
        };
        tokio::spawn(others.follow(heard));
        Self {
            combiner: Combiner::start(writers, store.clone(), appended, Arc::clone(&newest), own),
            newest,
            standing: Standing::start(&pool),
            ids: Cache::new(IDS_MAX),
            customers,
            groups,
            turns,
            pool,
            keyring,
            store,
        }
    }

    /// Does what a request asks of a stream, once.
    pub async fn execute<S: Stream>(
        &self,
        stream: &str,
        command: S::Command,
        request: &Request,
    ) -> Result<Outcome<S>, ExecuteError<S::Error>> {
        let _turn = self.turns.take(stream).await;
        if let Some(first) = self.first_request(request).await? {
            return repeated(first, request);
        }
        for _ in 0..ATTEMPTS {
            let loaded = self.load::<S>(stream).await?;
            match self.attempt(&loaded, command.clone(), request).await {
                Ok(Attempt::Outcome(outcome)) => return Ok(outcome),
                Ok(Attempt::Stale) => self.catch_up(&loaded).await?,
                Err(error) => {
                    S::cache(self).invalidate(stream);
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
        let decided = self.decide(loaded, command, &request.metadata).await?;
        let (mut append, decided) = match decided {
            Ok(decided) => decided,
            Err(refusal) => {
                return self
                    .confirm(vec![loaded.expected()], refusal, request)
                    .await;
            }
        };
        if append.events.is_empty() && without(Guard::Confirmation) {
            let done = self.done(loaded, decided, 0, Timestamp::UNIX_EPOCH, &request.metadata);
            return Ok(Attempt::Outcome(Outcome::Done(done)));
        }
        remember(&mut append, loaded, decided.sequence, request);
        match self.combiner.append(append).await? {
            Verdict::Conflict => Ok(Attempt::Stale),
            Verdict::Repeated(first) => repeated(first, request).map(Attempt::Outcome),
            Verdict::Refused(failures) => Err(ExecuteError::Failed(failures)),
            Verdict::Appended { position, time } => {
                let done = self.done(loaded, decided, position, time, &request.metadata);
                Ok(Attempt::Outcome(Outcome::Done(done)))
            }
        }
    }

    /// What a command makes of a stream, and what its append carries; or the refusal.
    async fn decide<S: Stream>(
        &self,
        loaded: &Loaded<S>,
        command: S::Command,
        metadata: &Metadata,
    ) -> Result<Result<(Append, Decided<S>), S::Error>, ReadError> {
        let needs = S::needs(&command);
        let mut after = loaded.aggregate.clone();
        let sink = EventSink::default();
        if let Err(refusal) = after.handle(command, &(), &sink).await {
            return Ok(Err(refusal));
        }
        let events = sink.collect().await;
        let (mut append, key) = self.prepare(loaded, &after, &events, metadata)?;
        append.groups = needs.groups;
        for mark in &mut append.marks {
            mark.sole = needs.sole_marks;
        }
        let decided = Decided {
            sequence: loaded.sequence + count(&events),
            after,
            events,
            key,
        };
        Ok(Ok((append, decided)))
    }

    /// The stream after its events were appended, the last of them at `position`.
    fn done<S: Stream>(
        &self,
        before: &Loaded<S>,
        decided: Decided<S>,
        position: i64,
        time: Timestamp,
        metadata: &Metadata,
    ) -> Arc<Loaded<S>> {
        // Without events `position` is somebody else's.
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

    /// Takes a stream into the cache, if it exists.
    fn keep<S: Stream>(&self, loaded: &Arc<Loaded<S>>) {
        if let Some(last) = loaded.last {
            self.newest.see(last);
            S::cache(self).insert(loaded.stream.clone(), Arc::clone(loaded));
        }
    }

    /// Whether the store still has the newest record that this ledger has seen.
    pub async fn goes_on(&self) -> Result<bool, sqlx::Error> {
        reader::goes_on(&self.pool, self.newest.get()).await
    }

    /// A refusal is answered only if the streams still are where it was decided on.
    async fn confirm<S: Stream, E: std::error::Error + 'static>(
        &self,
        streams: Vec<ExpectedStream>,
        refusal: E,
        request: &Request,
    ) -> Result<Attempt<S>, ExecuteError<E>> {
        let confirm = Append {
            streams,
            ..Append::default()
        };
        match self.combiner.append(confirm).await? {
            Verdict::Conflict => Ok(Attempt::Stale),
            Verdict::Appended { .. } | Verdict::Repeated(_) | Verdict::Refused(_) => {
                // The first request with this key may have been answered meanwhile.
                match self.first_request(request).await? {
                    Some(first) => repeated(first, request).map(Attempt::Outcome),
                    None => Err(ExecuteError::Refused(refusal)),
                }
            }
        }
    }

    /// The records that events became when they were appended to a stream, the last of them at
    /// `position`.
    fn records<'a, S: Stream>(
        &'a self,
        before: &'a Loaded<S>,
        events: Vec<S::Event>,
        position: i64,
        time: Timestamp,
        metadata: &'a Metadata,
    ) -> impl Iterator<Item = Record<S::Event>> + 'a {
        let first = position - count(&events) + 1;
        (0..).zip(events).map(move |(offset, event)| Record {
            position: first + offset,
            sequence: before.sequence + 1 + offset,
            store: self.store.clone(),
            stream: before.stream.clone(),
            time,
            event,
            metadata: metadata.clone(),
        })
    }

    /// What an append of decided events carries: the sealed events, the claims and marks that
    /// change hands, the keys. Also the stream's key after it.
    fn prepare<S: Stream>(
        &self,
        loaded: &Loaded<S>,
        after: &S,
        events: &[S::Event],
        metadata: &Metadata,
    ) -> Result<(Append, Option<Arc<StreamKey>>), ReadError> {
        let mut append = Append {
            streams: vec![loaded.expected()],
            ..Append::default()
        };
        if events.is_empty() {
            return Ok((append, loaded.key.clone()));
        }
        let stream = &loaded.stream;
        let key = if loaded.sequence == 0 {
            let (key, wrapped) = self.keyring.new_stream_key(stream);
            let stored = Some((key.number(), wrapped));
            append.keys.push(KeyChange {
                stream: stream.clone(),
                key: stored,
            });
            Some(Arc::new(key))
        } else {
            loaded.key.clone()
        };
        for (offset, event) in (1..).zip(events) {
            let sequence = loaded.sequence + offset;
            let place = Place {
                store: &self.store,
                stream,
                sequence,
            };
            append
                .events
                .push(seal(key.as_deref(), place, event, metadata)?);
        }
        let (before, now) = (loaded.aggregate.holds(), after.holds());
        let (claims, marks) = self.changes(stream, &before, &now);
        (append.claims, append.marks) = (claims, marks);
        if events.iter().any(S::erases) {
            append.keys.push(KeyChange {
                stream: stream.clone(),
                key: None,
            });
            append.credentials.push(CredentialChange {
                stream: stream.clone(),
                hash: None,
            });
            return Ok((append, None));
        }
        Ok((append, key))
    }

    /// The claims and marks that change hands between two states.
    fn changes(
        &self,
        stream: &str,
        before: &Holds,
        after: &Holds,
    ) -> (Vec<ClaimChange>, Vec<MarkChange>) {
        let claim =
            |(kind, value): &(&'static str, crate::domain::claims::Held), take| ClaimChange {
                kind,
                key: if is_id(kind) {
                    value.0.clone().into_bytes()
                } else {
                    self.keyring.hash_claim(kind, &value.0).to_vec()
                },
                stream: stream.to_owned(),
                take,
            };
        let mark = |(kind, value): &(&'static str, crate::domain::claims::Held), take| MarkChange {
            kind,
            key: self.keyring.hash_claim(kind, &value.0).to_vec(),
            stream: stream.to_owned(),
            take,
            sole: false,
        };
        let released = before
            .claims
            .difference(&after.claims)
            .map(|c| claim(c, false));
        let taken = after
            .claims
            .difference(&before.claims)
            .map(|c| claim(c, true));
        let unmarked = before
            .marks
            .keys()
            .filter(|value| !after.marks.contains_key(value))
            .map(|value| mark(value, false));
        let marked = after
            .marks
            .iter()
            .filter(|(value, written)| before.marks.get(value) != Some(written))
            .map(|(value, _)| mark(value, true));
        (
            released.chain(taken).collect(),
            unmarked.chain(marked).collect(),
        )
    }

    /// Deletes idempotency keys that are older than seven days, in pieces: a statement has little time,
    /// and what many requests left may take longer.
    pub async fn forget_requests(&self) -> Result<(), sqlx::Error> {
        let mut deleted = 1;
        while deleted > 0 {
            let piece = sqlx::query(
                "delete from idempotency_keys where ctid = any(array(\
                    select ctid from idempotency_keys \
                    where time < now() - interval '7 days' limit $1))",
            )
            .bind(FORGOTTEN_AT_ONCE)
            .execute(&self.pool)
            .await?;
            deleted = piece.rows_affected();
        }
        Ok(())
    }

    async fn first_request(&self, request: &Request) -> Result<Option<FirstRequest>, ReadError> {
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

fn cache<S: Stream>() -> Cache<String, Arc<Loaded<S>>> {
    Cache::builder()
        .max_capacity(CACHE_BYTES)
        // State and views hold each text about three times, and some fixed parts. What led to the
        // state weighs nothing: a long stream takes no more room than a short one.
        .weigher(|_, loaded: &Arc<Loaded<S>>| {
            let mut state = Length(0);
            // Only counted, so it cannot fail.
            drop(serde_json::to_writer(&mut state, &loaded.aggregate));
            u32::try_from(state.0 * 3 + 1024).unwrap_or(u32::MAX)
        })
        .build()
}

/// Counts what is written.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn count<T>(items: &[T]) -> i64 {
    i64::try_from(items.len()).expect("a command has few events")
}

fn actor(metadata: &Metadata) -> String {
    format!("{}:{}", metadata.actor.kind.name(), metadata.actor.id)
}

/// Lets an append carry what the request itself leaves behind, at the stream that its answer shows.
fn remember<S: Stream>(append: &mut Append, shown: &Loaded<S>, sequence: i64, request: &Request) {
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

fn repeated<S: Stream, E: std::error::Error + 'static>(
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

/// The event to write: payload and metadata sealed, as the exact texts that are stored.
fn seal<E: cqrs_es::DomainEvent + streams::Named>(
    key: Option<&StreamKey>,
    place: Place<'_>,
    event: &E,
    metadata: &Metadata,
) -> Result<NewEvent, ReadError> {
    let malformed = |what| ReadError::Malformed {
        position: 0,
        event_type: event.entry().type_name.to_owned(),
        what,
    };
    let mut payload = serde_json::to_value(event).map_err(|_not_json| malformed("its payload"))?;
    let mut metadata = metadata.to_flat();
    match key {
        Some(key) => {
            if E::KIND == events::record::StreamKind::Customer {
                key.seal_payload(place, &mut payload);
            }
            key.seal_metadata(place, &mut metadata);
        }
        None => return Err(malformed("its stream: the key is gone")),
    }
    Ok(NewEvent {
        kind: E::KIND,
        stream: place.stream.to_owned(),
        sequence: place.sequence,
        event_type: event.entry().type_name,
        event_version: event.entry().version(),
        payload: json_text(&payload),
        metadata: json_text(&metadata),
    })
}

/// JSON as text. `to_string` of a value writes the same, through `fmt`, at twice the cost.
fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a JSON value always serialises")
}

impl<S: Stream> Loaded<S> {
    /// A stream before its first event.
    fn unborn(stream: String, key: Option<Arc<StreamKey>>) -> Self {
        Self {
            stream,
            sequence: 0,
            aggregate: S::default(),
            views: S::Views::default(),
            key,
            last: None,
        }
    }

    /// Folds the stream's next event.
    fn fold(&mut self, stored: &StoredRecord) -> Result<(), ReadError> {
        let record = reader::decode::<S::Event>(stored, self.key.as_deref())?;
        self.take(record);
        Ok(())
    }

    fn take(&mut self, record: Record<S::Event>) {
        self.sequence = record.sequence;
        self.last = Some(Point {
            position: record.position,
            time: record.time,
        });
        S::show(&mut self.views, &record);
        self.aggregate.apply(record.event);
    }

    /// Whether the stream's key is gone: nothing personal can be shown, of no time.
    pub const fn is_erased(&self) -> bool {
        self.sequence > 0 && self.key.is_none()
    }

    /// Where it stands, if it exists.
    fn seen(&self) -> Option<Seen> {
        Some(Seen {
            kind: S::KIND,
            stream: self.stream.clone(),
            last: self.last?,
        })
    }

    fn expected(&self) -> ExpectedStream {
        ExpectedStream {
            kind: S::KIND,
            stream: self.stream.clone(),
            sequence: self.sequence,
        }
    }
}
