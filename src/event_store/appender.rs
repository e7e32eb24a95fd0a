//! The one way to write: commands, already decided, into one call of the SQL function `append`.

use events::ids::{Position, Sequence, StoreName, StreamId};
use events::record::StreamKind;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

use super::StoreError;
use super::point::Point;

/// One decided command: what it expects, writes, takes and gives back. All or nothing.
#[derive(Clone, Debug, Default)]
pub struct Append {
    /// The streams it was decided on, each with the sequence it was seen at; 0: not there.
    pub streams: Vec<ExpectedStream>,
    /// What happened, in order.
    pub events: Vec<NewEvent>,
    /// Claims to take and to release.
    pub claims: Vec<ClaimChange>,
    /// Marks to take and to release.
    pub marks: Vec<MarkChange>,
    /// Streams of groups that must exist.
    pub groups: Vec<StreamId>,
    /// Streams' new wrapped keys, or their deletion.
    pub keys: Vec<KeyChange>,
    /// New password hashes (argon2id) for streams, or their deletion.
    pub credentials: Vec<CredentialChange>,
    /// The request's idempotency key.
    pub request: Option<NewRequest>,
}

impl Append {
    /// Takes in another's part, so that both are one command.
    pub fn absorb(&mut self, other: Self) {
        self.streams.extend(other.streams);
        self.events.extend(other.events);
        self.claims.extend(other.claims);
        self.marks.extend(other.marks);
        self.groups.extend(other.groups);
        self.keys.extend(other.keys);
        self.credentials.extend(other.credentials);
        self.request = self.request.take().or(other.request);
    }
}

/// A stream and the sequence it was seen at.
#[derive(Clone, Debug)]
pub struct ExpectedStream {
    /// Kind of the stream.
    pub kind: StreamKind,
    /// The stream.
    pub stream: StreamId,
    /// Its last sequence as seen; 0 when it does not exist.
    pub sequence: Sequence,
}

/// An event to write, sealed.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Kind of the stream.
    pub kind: StreamKind,
    /// The stream.
    pub stream: StreamId,
    /// Its place in the stream.
    pub sequence: Sequence,
    /// Type name.
    pub event_type: &'static str,
    /// Version of the payload.
    pub event_version: &'static str,
    /// The payload's JSON text.
    pub payload: String,
    /// The metadata's JSON text.
    pub metadata: String,
}

/// A claim to take or to release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimChange {
    /// Kind of the claim.
    pub kind: &'static str,
    /// The value's HMAC; of an id, the id itself.
    pub key: Vec<u8>,
    /// Who takes or holds it.
    pub stream: StreamId,
    /// Whether it is taken, not released.
    pub take: bool,
}

/// A mark to take or to release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkChange {
    /// Kind of the mark.
    pub kind: &'static str,
    /// The value's HMAC.
    pub key: Vec<u8>,
    /// Who takes or holds it.
    pub stream: StreamId,
    /// Whether it is taken, not released.
    pub take: bool,
    /// Whether the command is refused when another stream has the mark.
    pub sole: bool,
}

/// A stream's wrapped key, new or to be deleted.
#[derive(Clone, Debug)]
pub struct KeyChange {
    /// The stream.
    pub stream: StreamId,
    /// Number and wrapped key; `None` deletes it.
    pub key: Option<(i32, Vec<u8>)>,
}

/// A stream's password hash, new or to be deleted.
#[derive(Clone, Debug)]
pub struct CredentialChange {
    /// The stream.
    pub stream: StreamId,
    /// The hash; `None` deletes it.
    pub hash: Option<String>,
}

/// A request with an idempotency key, to be remembered.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// Who asked: kind and id of the actor.
    pub actor: String,
    /// Through which route.
    pub route: String,
    /// HMAC of the key.
    pub key: [u8; 32],
    /// HMAC of the request.
    pub request: [u8; 32],
    /// The stream it is about.
    pub stream: StreamId,
    /// That stream's sequence after it.
    pub sequence: Sequence,
    /// Status of the answer.
    pub status: u16,
}

/// The first request that came with an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FirstRequest {
    /// HMAC of that request, hexadecimal.
    pub request: String,
    /// The stream it was about.
    pub stream: StreamId,
    /// The stream's sequence after it.
    pub sequence: Sequence,
    /// The ledger's position after it.
    pub position: Position,
    /// Status of its answer.
    pub status: u16,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is in the ledger, durably.
    Appended {
        /// Position of its last event; of the ledger's last when it had none.
        position: Position,
        /// Time of its events.
        time: Timestamp,
    },
    /// A stream it was decided on has moved on.
    Stale,
    /// Its idempotency key was used before.
    Repeated(FirstRequest),
    /// It conflicts with what other streams hold, or needs what is not there: every reason.
    Conflicts(Vec<Conflict>),
}

/// Why the store does not take a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Another stream holds the claim of this kind.
    Claimed(String),
    /// Another stream has the mark of this kind.
    Marked(String),
    /// There is no such group.
    GroupUnknown(StreamId),
}

/// Appends a batch for one store: one call, one commit, a verdict for each command. A store that has
/// not the `newest` record that the caller has seen was restored, and gets nothing.
///
/// Fails as a whole. When the connection is lost, it is unknown whether the batch was committed.
pub async fn append(
    connection: &mut PgConnection,
    store: &StoreName,
    newest: Option<Point>,
    batch: &[Append],
) -> Result<Vec<Verdict>, StoreError> {
    let streams = || numbered(batch, |append| &append.streams);
    let events = || numbered(batch, |append| &append.events);
    // The condition is the same for every row: Postgres judges it once, before it calls the function.
    let rows = sqlx::query(
        "select command, verdict, position, (extract(epoch from time) * 1000000)::bigint, detail \
         from append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
         $15, $16, $17, $18, $19, $20) \
         where $21 is null or exists (select from events \
             where position = $21 and (extract(epoch from time) * 1000000)::bigint = $22)",
    )
    .bind(store)
    .bind(i32::try_from(batch.len()).unwrap_or(i32::MAX))
    .bind(streams().map(|(command, _)| command).collect::<Vec<_>>())
    .bind(streams().map(|(_, stream)| stream.kind.name()).collect::<Vec<_>>())
    .bind(streams().map(|(_, stream)| stream.stream.as_str()).collect::<Vec<_>>())
    .bind(streams().map(|(_, stream)| stream.sequence).collect::<Vec<_>>())
    .bind(events().map(|(command, _)| command).collect::<Vec<_>>())
    .bind(events().map(|(_, event)| event.kind.name()).collect::<Vec<_>>())
    .bind(events().map(|(_, event)| event.stream.as_str()).collect::<Vec<_>>())
    .bind(events().map(|(_, event)| event.sequence).collect::<Vec<_>>())
    .bind(events().map(|(_, event)| event.event_type).collect::<Vec<_>>())
    .bind(events().map(|(_, event)| event.event_version).collect::<Vec<_>>())
    .bind(events().map(|(_, event)| event.payload.as_str()).collect::<Vec<_>>())
    .bind(events().map(|(_, event)| event.metadata.as_str()).collect::<Vec<_>>())
    .bind(rows_of(numbered(batch, |append| &append.claims), claim_row))
    .bind(rows_of(numbered(batch, |append| &append.marks), mark_row))
    .bind(rows_of(numbered(batch, |append| &append.groups), |command, stream| {
        json!({ "command": command, "stream": stream })
    }))
    .bind(rows_of(numbered(batch, |append| &append.keys), key_row))
    .bind(rows_of(numbered(batch, |append| &append.credentials), |command, change| {
        json!({ "command": command, "stream": change.stream, "hash": change.hash })
    }))
    .bind(rows_of(numbered(batch, |append| append.request.as_slice()), request_row))
    .bind(newest.map(|newest| newest.position))
    .bind(newest.map(|newest| newest.time.as_microsecond()))
    .fetch_all(connection)
    .await
    .map_err(StoreError::of_append)?;
    if rows.is_empty() {
        return Err(StoreError::Lost);
    }
    verdicts(batch.len(), &rows).map_err(StoreError::unknown)
}

/// The parts of all commands, each with its command's number from 1.
fn numbered<'a, T: 'a>(
    batch: &'a [Append],
    parts: impl Fn(&'a Append) -> &'a [T],
) -> impl Iterator<Item = (i32, &'a T)> {
    (1..)
        .zip(batch)
        .flat_map(move |(command, append)| parts(append).iter().map(move |part| (command, part)))
}

/// A JSON array of rows, or null where there are none: the function then skips that part.
fn rows_of<'a, T: 'a>(
    parts: impl Iterator<Item = (i32, &'a T)>,
    row: impl Fn(i32, &T) -> Value,
) -> Option<Value> {
    let rows: Vec<Value> = parts.map(|(command, part)| row(command, part)).collect();
    (!rows.is_empty()).then_some(Value::Array(rows))
}

fn claim_row(command: i32, claim: &ClaimChange) -> Value {
    json!({
        "command": command,
        "kind": claim.kind,
        "key": hex::encode(&claim.key),
        "stream": claim.stream,
        "take": claim.take,
    })
}

fn mark_row(command: i32, mark: &MarkChange) -> Value {
    json!({
        "command": command,
        "kind": mark.kind,
        "key": hex::encode(&mark.key),
        "stream": mark.stream,
        "take": mark.take,
        "sole": mark.sole,
    })
}

fn key_row(command: i32, change: &KeyChange) -> Value {
    let (number, wrapped) = change
        .key
        .as_ref()
        .map(|(n, key)| (n, hex::encode(key)))
        .unzip();
    json!({ "command": command, "stream": change.stream, "number": number, "wrapped": wrapped })
}

fn request_row(command: i32, request: &NewRequest) -> Value {
    json!({
        "command": command,
        "actor": request.actor,
        "route": request.route,
        "key": hex::encode(request.key),
        "request": hex::encode(request.request),
        "stream": request.stream,
        "sequence": request.sequence,
        "status": request.status,
    })
}

/// Gathers the rows of each command. A repeated request comes before a conflict, and a conflict
/// before every other reason: those were judged on a state that is no longer.
fn verdicts(commands: usize, rows: &[PgRow]) -> Result<Vec<Verdict>, UnreadableVerdict> {
    let mut verdicts = vec![Verdict::Conflicts(vec![]); commands];
    for row in rows {
        let command: i32 = row.try_get(0)?;
        let detail: Option<String> = row.try_get(4)?;
        let detail = detail.unwrap_or_default();
        let slot = usize::try_from(command - 1)
            .ok()
            .and_then(|index| verdicts.get_mut(index))
            .ok_or(UnreadableVerdict::Command(command))?;
        let failure = match row.try_get::<&str, _>(1)? {
            "appended" => {
                let time = Timestamp::from_microsecond(row.try_get(3)?)?;
                *slot = Verdict::Appended {
                    position: row.try_get(2)?,
                    time,
                };
                continue;
            }
            "repeated" => {
                let first = serde_json::from_str(&detail)?;
                *slot = Verdict::Repeated(first);
                continue;
            }
            "conflict" => {
                if !matches!(slot, Verdict::Repeated(_)) {
                    *slot = Verdict::Stale;
                }
                continue;
            }
            "claimed" => Conflict::Claimed(detail),
            "marked" => Conflict::Marked(detail),
            "group" => Conflict::GroupUnknown(detail.into()),
            other => return Err(UnreadableVerdict::Kind(other.to_owned())),
        };
        if let Verdict::Conflicts(failures) = slot {
            failures.push(failure);
        }
    }
    Ok(verdicts)
}

/// An answer of the SQL function that this release does not understand.
#[derive(Debug, thiserror::Error)]
enum UnreadableVerdict {
    #[error("a verdict is about command {0}, which was not asked for")]
    Command(i32),
    #[error("there is no verdict {0}")]
    Kind(String),
    #[error("a column of a verdict cannot be read")]
    Column(#[from] sqlx::Error),
    #[error("the time of a verdict cannot be read")]
    Time(#[from] jiff::Error),
    #[error("the first request cannot be read")]
    FirstRequest(#[from] serde_json::Error),
}
