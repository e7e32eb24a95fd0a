//! Snapshots: where a long stream had come to now and then, so that a load reads few events.
//!
//! Whoever folds past a multiple of 256 leaves one behind. A snapshot that cannot be used is as
//! good as none: the events say the same.

use events::ids::{Position, Sequence, StreamId};
use events::record::StoredRecord;
use jiff_sqlx::ToSqlx as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{PgConnection, Row as _};

use crate::event_store::StoreError;
use crate::event_store::keys::seal::StreamKey;
use crate::event_store::keys::unseal::unseal_payload;
use crate::event_store::point::Point;
use crate::event_store::reader::{self, place};
use crate::event_store::{Ledger, Loaded, Stream};

/// How many events lie between two snapshots.
const EVERY: i64 = 256;
/// Which code folds: a hash of its sources.
const VERSION: &str = env!("LEDGER_FOLDS");

/// A snapshot as it is stored.
pub(in crate::event_store) struct Snapshot {
    /// The record that it was made after.
    record: StoredRecord,
    sealed: Value,
}

/// What a snapshot holds, sealed.
#[derive(Serialize, Deserialize)]
struct Folded<S, V> {
    aggregate: S,
    views: V,
    /// The position and time of the record that it was made after: a store that lost its last records
    /// may have come to the same sequence in another way.
    position: Position,
    time: i64,
}

impl Snapshot {
    /// The sequence that it is of.
    pub(in crate::event_store) const fn sequence(&self) -> Sequence {
        self.record.sequence
    }

    /// The stream as it was; none where the key is another or gone, or the history.
    pub(in crate::event_store) fn open<S: Stream>(
        mut self,
        loaded: &Loaded<S>,
    ) -> Option<Loaded<S>> {
        let key = loaded.key.as_deref()?;
        unseal_payload(Some(key), place(&self.record), &mut self.sealed).ok()?;
        let folded: Folded<S, S::Views> = read(self.sealed.get_mut("$open")?.take())?;
        let last = Point::from(&self.record);
        let is_here = (folded.position, folded.time) == (last.position, last.time.as_microsecond());
        is_here.then(|| Loaded {
            sequence: self.record.sequence,
            aggregate: folded.aggregate,
            views: folded.views,
            last: Some(last),
            ..loaded.clone()
        })
    }
}

fn read<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

/// The last snapshot of a stream that is not after a sequence.
pub(in crate::event_store) async fn newest<S: Stream>(
    connection: &mut PgConnection,
    stream: &StreamId,
    until: Sequence,
) -> Result<Option<Snapshot>, StoreError> {
    let sql = format!(
        "select s.state::text as state, {columns} \
         from (select * from snapshots \
            where aggregate_type = $1 and aggregate_id = $2 and sequence <= $3 and version = $4 \
            order by sequence desc limit 1) s \
         join events e using (aggregate_type, aggregate_id, sequence)",
        columns = reader::COLUMNS,
    );
    let row = sqlx::query(&sql)
        .bind(S::KIND.name())
        .bind(stream)
        .bind(until)
        .bind(VERSION)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let sealed = serde_json::from_str(row.try_get("state")?).unwrap_or_default();
    let record = reader::stored_record(&row)?;
    Ok(Some(Snapshot { record, sealed }))
}

/// The snapshots that a fold passes, until they are written.
#[derive(Default)]
pub(in crate::event_store) struct Passed {
    sequences: Vec<Sequence>,
    positions: Vec<Position>,
    times: Vec<jiff_sqlx::Timestamp>,
    states: Vec<String>,
}

impl Passed {
    /// Takes note of the stream after a record, if a snapshot of it is due.
    pub(in crate::event_store) fn see<S: Stream>(
        &mut self,
        loaded: &Loaded<S>,
        record: &StoredRecord,
    ) {
        let Some(key) = loaded
            .key
            .as_deref()
            .filter(|_| record.sequence.get() % EVERY == 0)
        else {
            return;
        };
        self.sequences.push(record.sequence);
        self.positions.push(record.position);
        self.times.push(record.time.to_sqlx());
        self.states.push(seal(loaded, record, key).to_string());
    }
}

fn seal<S: Stream>(loaded: &Loaded<S>, record: &StoredRecord, key: &StreamKey) -> Value {
    let folded = Folded {
        aggregate: &loaded.aggregate,
        views: &loaded.views,
        position: record.position,
        time: record.time.as_microsecond(),
    };
    let mut state = json!({ "$open": folded });
    key.seal_payload(place(record), &mut state);
    state
}

impl Ledger {
    /// Leaves snapshots behind, of records that are still there. What fails here costs the next load
    /// time, and nothing else.
    pub(in crate::event_store) async fn leave<S: Stream>(&self, stream: &StreamId, passed: Passed) {
        if passed.sequences.is_empty() {
            return;
        }
        let written = sqlx::query(
            "insert into snapshots (aggregate_type, aggregate_id, sequence, version, state) \
             select $1, $2, sequence, $3, state::json \
             from unnest($4::bigint[], $5::bigint[], $6::timestamptz[], $7::text[]) \
                as passed(sequence, position, time, state) \
             where exists (select from events e \
                where e.aggregate_type = $1 and e.aggregate_id = $2 \
                    and e.sequence = passed.sequence and e.position = passed.position \
                    and e.time = passed.time) \
             on conflict (aggregate_type, aggregate_id, sequence) \
                do update set version = excluded.version, state = excluded.state",
        )
        .bind(S::KIND.name())
        .bind(stream)
        .bind(VERSION)
        .bind(&passed.sequences)
        .bind(&passed.positions)
        .bind(&passed.times)
        .bind(&passed.states)
        .execute(&self.pool)
        .await;
        if let Err(error) = written {
            tracing::warn!(error = %error, stream = stream.as_str(), "no snapshot could be written");
        }
    }
}
