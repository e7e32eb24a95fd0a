//! Reads records: by position for those who follow the ledger, by stream for those who decide.
//!
//! What is hashed or sent is read as the exact text. What is folded is read, opened, upcast and
//! decoded, in that order. An error is an error: a reader that stops early says so.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use events::catalogue;
use events::ids::{Position, Sequence, StreamId};
use events::opened::OpenedRecord;
use events::record::{Metadata, Record, StoredRecord, StreamKind};
use futures_util::{Stream, StreamExt as _};
use jiff_sqlx::ToSqlx as _;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, Row as _};

use crate::event_store::keys::keyring::{KeyError, Keyring};
use crate::event_store::keys::seal::{SealContext, StreamKey};
use crate::event_store::keys::unseal::text::{UnsealError, unseal_text};
use crate::event_store::keys::unseal::unseal_metadata;
use crate::event_store::point::{ExpectedStream, Point};
use crate::event_store::{Corrupt, StoreError};

/// The columns of `events` that [`stored_record`] reads.
pub const COLUMNS: &str = "position, sequence, store, aggregate_type, aggregate_id, event_type, \
    event_version, payload::text as payload, metadata::text as metadata, time";

/// About how many bytes of payload a read by position holds; one record more than fits, at most.
const BYTES_MAX: i64 = 8 * 1024 * 1024;
/// How much larger a payload is taken to be than Postgres has compressed it to. Sealed texts shrink by
/// little, a group's own words perhaps by more.
const COMPRESSION: i32 = 8;

/// The records after a position, in order, at most `limit`; fewer where they are large.
pub async fn after(
    executor: impl PgExecutor<'_>,
    position: Position,
    limit: i64,
) -> Result<Vec<StoredRecord>, StoreError> {
    let rows = sqlx::query(&AFTER)
        .bind(position)
        .bind(limit)
        .bind(BYTES_MAX)
        .bind(COMPRESSION)
        .fetch_all(executor)
        .await?;
    rows.iter().map(stored_record).collect()
}

/// Sizes are summed up without fetching what is large: only what is returned is.
static AFTER: LazyLock<String> = LazyLock::new(|| {
    format!(
        "select {COLUMNS} from (\
            select *, sum(pg_column_size(payload) * \
                case when pg_column_compression(payload) is null then 1 else $4 end) \
                over (order by position rows between unbounded preceding and 1 preceding) as before \
            from (select * from events where position > $1 order by position limit $2) as following \
         ) as following where before is null or before < $3 order by position"
    )
});

/// The records of a stream after a sequence, up to another, in order.
pub async fn stream(
    executor: impl PgExecutor<'_>,
    kind: StreamKind,
    stream: &StreamId,
    after: Sequence,
    until: Sequence,
) -> Result<Vec<StoredRecord>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from events \
         where aggregate_type = $1 and aggregate_id = $2 and sequence > $3 and sequence <= $4 \
         order by sequence"
    );
    let rows = sqlx::query(&sql)
        .bind(kind.name())
        .bind(stream)
        .bind(after)
        .bind(until)
        .fetch_all(executor)
        .await?;
    rows.iter().map(stored_record).collect()
}

/// The records of many streams in one read, stream by stream, each in order and beside its stream's
/// wrapped key. They are streamed: what is read is folded before more of it is held.
pub fn streams<'a>(
    executor: impl PgExecutor<'a> + 'a,
    kind: StreamKind,
    streams: &'a [&'a StreamId],
) -> impl Stream<Item = Result<(StoredRecord, Option<WrappedKey>), StoreError>> + Send + 'a {
    streams_until(executor, kind, streams, Position::MAX)
}

/// The same up to a position.
pub(crate) fn streams_until<'a>(
    executor: impl PgExecutor<'a> + 'a,
    kind: StreamKind,
    streams: &'a [&'a StreamId],
    position: Position,
) -> impl Stream<Item = Result<(StoredRecord, Option<WrappedKey>), StoreError>> + Send + 'a {
    sqlx::query(&STREAMS)
        .bind(kind.name())
        .bind(streams)
        .bind(position)
        .fetch(executor)
        .map(|row| {
            let row = row?;
            let number: Option<i32> = row.try_get("number")?;
            let wrapped: Option<Vec<u8>> = row.try_get("wrapped")?;
            Ok((stored_record(&row)?, number.zip(wrapped)))
        })
}

/// A stream's key as it is stored: its number, and what the master key makes of it.
pub(crate) type WrappedKey = (i32, Vec<u8>);

static STREAMS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "select number, wrapped, {COLUMNS} from unnest($2::text[]) as given \
         join events on aggregate_type = $1 and aggregate_id = given and position <= $3 \
         left join stream_keys on stream_keys.stream = given \
         order by aggregate_id, sequence"
    )
});

/// Those streams that are not where they were seen any more.
pub async fn moved(
    executor: impl PgExecutor<'_>,
    kind: StreamKind,
    seen: &[ExpectedStream],
) -> Result<Vec<StreamId>, StoreError> {
    let moved = sqlx::query_scalar(
        "select s.stream from unnest($2::text[], $3::bigint[]) as s(stream, sequence) \
         where s.sequence is distinct from coalesce((\
            select e.sequence from events e \
            where e.aggregate_type = $1 and e.aggregate_id = s.stream \
            order by e.sequence desc limit 1), 0)",
    )
    .bind(kind.name())
    .bind(
        seen.iter()
            .map(|seen| seen.stream.as_str())
            .collect::<Vec<_>>(),
    )
    .bind(seen.iter().map(|seen| seen.sequence).collect::<Vec<_>>())
    .fetch_all(executor)
    .await?;
    Ok(moved)
}

/// The ledger's last position; 0 when it is empty.
pub async fn head(executor: impl PgExecutor<'_>) -> Result<Position, sqlx::Error> {
    sqlx::query_scalar("select coalesce(max(position), 0) from events")
        .fetch_one(executor)
        .await
}

/// Whether this is the history that went through a point.
pub async fn has(executor: impl PgExecutor<'_>, point: Point) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "select exists (select from events \
             where position = $1 and time = $2)",
    )
    .bind(point.position)
    .bind(point.time.to_sqlx())
    .fetch_one(executor)
    .await
}

/// Whether this is the history that went through a point, if there is one.
pub(crate) async fn goes_on(
    executor: impl PgExecutor<'_>,
    point: Option<Point>,
) -> Result<bool, sqlx::Error> {
    match point {
        Some(point) => has(executor, point).await,
        None => Ok(true),
    }
}

/// The point of history at a position, if it has come that far.
pub async fn point(
    executor: impl PgExecutor<'_>,
    position: Position,
) -> Result<Option<Point>, StoreError> {
    let records = after(executor, position.previous(), 1).await?;
    let record = records.first().filter(|r| r.position == position);
    Ok(record.map(Point::from))
}

/// A row with [`COLUMNS`], and perhaps others.
pub(crate) fn stored_record(row: &PgRow) -> Result<StoredRecord, StoreError> {
    let position = row.try_get("position")?;
    let event_type: String = row.try_get("event_type")?;
    let malformed = |what| Corrupt::Record {
        position,
        event_type: event_type.clone(),
        what,
    };
    let time: jiff_sqlx::Timestamp = row
        .try_get("time")
        .map_err(|_out_of_range| malformed("its time"))?;
    Ok(StoredRecord {
        position,
        sequence: row.try_get("sequence")?,
        store: row.try_get("store")?,
        kind: StreamKind::parse(row.try_get("aggregate_type")?)
            .ok_or_else(|| malformed("its stream's kind"))?,
        stream: row.try_get("aggregate_id")?,
        event_version: row.try_get("event_version")?,
        payload: row.try_get("payload")?,
        metadata: row.try_get("metadata")?,
        time: time.to_jiff(),
        event_type,
    })
}

/// A row of `stream_keys`.
#[derive(sqlx::FromRow)]
struct KeyRow {
    stream: StreamId,
    number: i32,
    wrapped: Vec<u8>,
}

/// The keys of streams; an erased stream has none.
pub async fn keys(
    connection: &mut PgConnection,
    keyring: &Keyring,
    streams: &[&StreamId],
) -> Result<HashMap<StreamId, Arc<StreamKey>>, StoreError> {
    let rows: Vec<KeyRow> =
        sqlx::query_as("select stream, number, wrapped from stream_keys where stream = any($1)")
            .bind(streams)
            .fetch_all(connection)
            .await?;
    rows.into_iter()
        .map(|row| {
            let key = unwrap(keyring, &row.stream, &(row.number, row.wrapped))?;
            Ok((row.stream, Arc::new(key)))
        })
        .collect()
}

/// Whether a stream has its key: it was born, and not erased.
pub(crate) async fn has_key(
    executor: impl PgExecutor<'_>,
    stream: &StreamId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select exists (select from stream_keys where stream = $1)")
        .bind(stream)
        .fetch_one(executor)
        .await
}

/// A stream's key, from what is stored of it.
fn unwrap(keyring: &Keyring, stream: &StreamId, key: &WrappedKey) -> Result<StreamKey, StoreError> {
    let (number, wrapped) = key;
    keyring.unwrap(stream, *number, wrapped).map_err(|source| {
        let stream = stream.clone();
        Corrupt::StreamKey { stream, source }.into()
    })
}

/// The key of a record's stream, if that still has one.
pub(crate) fn key_of(
    keyring: &Keyring,
    stored: &StoredRecord,
    key: Option<&WrappedKey>,
) -> Result<Option<StreamKey>, StoreError> {
    key.map(|key| unwrap(keyring, &stored.stream, key))
        .transpose()
}

/// Opens, upcasts and decodes a record. Without a key every personal value is erased.
pub fn decode<E: DeserializeOwned>(
    stored: &StoredRecord,
    key: Option<&StreamKey>,
) -> Result<Record<E>, StoreError> {
    let payload = payload(stored, key)?;
    let event = if catalogue::is_older(&stored.event_type, &stored.event_version) {
        serde_json::from_str(&payload).and_then(|payload| {
            let upcast = catalogue::upcast(&stored.event_type, &stored.event_version, payload);
            serde_json::from_value(upcast)
        })
    } else {
        serde_json::from_str(&payload)
    };
    Ok(Record {
        position: stored.position,
        sequence: stored.sequence,
        store: stored.store.clone(),
        stream: stored.stream.clone(),
        time: stored.time,
        event: event.map_err(|_unexpected| malformed(stored, "its payload"))?,
        metadata: Metadata::from_flat(&metadata(stored, key)?)
            .map_err(|_incomplete| malformed(stored, "its metadata"))?,
    })
}

/// Opens a record, as it was written. Without a key every personal value is erased.
pub(crate) fn unseal(
    stored: &StoredRecord,
    key: Option<&StreamKey>,
) -> Result<OpenedRecord, StoreError> {
    let payload = serde_json::from_str(&payload(stored, key)?)
        .map_err(|_not_json| malformed(stored, "its payload"))?;
    Ok(OpenedRecord {
        position: stored.position,
        sequence: stored.sequence,
        store: stored.store.clone(),
        kind: stored.kind,
        stream: stored.stream.clone(),
        time: stored.time,
        event_type: stored.event_type.clone(),
        version: stored.event_version.clone(),
        payload,
        metadata: metadata(stored, key)?,
    })
}

/// The payload's text, opened.
fn payload<'a>(
    stored: &'a StoredRecord,
    key: Option<&StreamKey>,
) -> Result<Cow<'a, str>, StoreError> {
    match stored.kind {
        StreamKind::Customer => match unseal_text(key, place(stored), &stored.payload) {
            Ok(text) => Ok(Cow::Owned(text)),
            Err(UnsealError::Key(error)) => Err(sealed(stored, error).into()),
            Err(UnsealError::Malformed) => Err(malformed(stored, "its payload").into()),
        },
        // A group's payload is a merchant's own words: whatever stands in it is no sealed value.
        StreamKind::CustomerGroup => Ok(Cow::Borrowed(&stored.payload)),
    }
}

fn metadata(
    stored: &StoredRecord,
    key: Option<&StreamKey>,
) -> Result<Map<String, Value>, StoreError> {
    let mut metadata = serde_json::from_str(&stored.metadata)
        .map_err(|_not_json| malformed(stored, "its metadata"))?;
    unseal_metadata(key, place(stored), &mut metadata).map_err(|error| sealed(stored, error))?;
    Ok(metadata)
}

/// Where a record's sealed values stand.
pub(in crate::event_store) fn place(stored: &StoredRecord) -> SealContext<'_> {
    SealContext {
        store: &stored.store,
        stream: &stored.stream,
        sequence: stored.sequence,
    }
}

const fn sealed(stored: &StoredRecord, source: KeyError) -> Corrupt {
    Corrupt::SealedRecord {
        position: stored.position,
        source,
    }
}

fn malformed(stored: &StoredRecord, what: &'static str) -> Corrupt {
    Corrupt::Record {
        position: stored.position,
        event_type: stored.event_type.clone(),
        what,
    }
}
