//! The live rows beside rebuilt ones, at the same position.
//!
//! The live tables change while they are looked at. So a first statement only finds candidates; each is
//! then looked at by itself: a row that went on is compared with a view folded from the store as far as
//! the row is, or as far as the projection claims to be, if that is further.

use std::collections::HashMap;

use events::ids::{Position, Sequence, StoreName, StreamId};
use events::record::StreamKind;
use projections::{Projection, View, Visitor};
use serde_json::Value;
use sqlx::{FromRow, PgConnection};

use super::fold::{Code, advance};
use super::tables::TableSet;
use super::{Compared, Error};
use crate::event_store::keys::keyring::Keyring;
use crate::event_store::reader;
use crate::history::diff::{Difference, diff};

/// Rows that are looked at in one statement.
const ROWS: usize = 500;

/// A row that is not what the events say.
#[derive(Clone, Debug)]
pub struct Differing {
    /// Its table.
    pub table: &'static str,
    /// The store.
    pub store: StoreName,
    /// Kind of its stream.
    pub kind: StreamKind,
    /// Its stream.
    pub stream: StreamId,
    /// Its id in the contract.
    pub id: String,
    /// Where the row stands in the ledger; without a row, where it should.
    pub position: Position,
    /// What differs, from the row to what it should be. A pointer leads into the view; where the view
    /// is right, into the columns beside it.
    pub differences: Vec<Difference>,
}

/// What rows are compared with.
pub(super) struct Comparison<'a> {
    /// Reads tables and the store.
    pub(super) conn: &'a mut PgConnection,
    pub(super) keyring: &'a Keyring,
    pub(super) projection: Projection,
    pub(super) code: &'a Code,
    /// Where the rebuilt tables are.
    pub(super) place: TableSet,
    /// Up to here the projection claims to hold everything, and the rebuilt tables do.
    pub(super) watermark: Position,
}

/// A comparison under way.
struct Telling<'a, T> {
    comparison: Comparison<'a>,
    found: Compared,
    tell: T,
}

impl<T: AsyncFnMut(Differing) -> Result<(), Error>> Visitor for Telling<'_, T> {
    type Error = Error;

    async fn visit<V: View>(&mut self) -> Result<(), Error> {
        let (rows, candidates) = self.comparison.candidates(V::TABLE, V::KIND).await?;
        self.found.rows += rows;
        for candidates in candidates.chunks(ROWS) {
            for pair in self.comparison.pairs(V::TABLE, candidates).await? {
                if let Some(differing) = self.comparison.judge::<V>(pair).await? {
                    self.found.differing += 1;
                    (self.tell)(differing).await?;
                }
            }
        }
        Ok(())
    }
}

/// A stream whose rows are not the same.
#[derive(sqlx::FromRow)]
struct Candidate {
    store: StoreName,
    stream: StreamId,
}

/// A column of a view's table.
#[derive(sqlx::FromRow)]
struct Column {
    name: String,
    is_json: bool,
}

impl Comparison<'_> {
    /// Tells every row that differs; says how many rows there are, and how many differ.
    pub(super) async fn run(
        self,
        tell: impl AsyncFnMut(Differing) -> Result<(), Error>,
    ) -> Result<Compared, Error> {
        let projection = self.projection;
        let mut telling = Telling {
            comparison: self,
            found: Compared::default(),
            tell,
        };
        projection.visit(&mut telling).await?;
        Ok(telling.found)
    }

    /// How many rows there are, and the streams of those that are not the same in both tables. A row
    /// that need not be there yet is none of them.
    async fn candidates(
        &mut self,
        table: &'static str,
        kind: StreamKind,
    ) -> Result<(i64, Vec<Candidate>), sqlx::Error> {
        // `json` cannot be compared, but its text can.
        let columns: Vec<String> = self
            .columns(table)
            .await?
            .into_iter()
            .map(|Column { name, is_json }| {
                if is_json {
                    format!("{name}::text")
                } else {
                    name
                }
            })
            .collect();
        let row = |side| {
            let columns: Vec<String> = columns.iter().map(|c| format!("{side}.{c}")).collect();
            format!("({})", columns.join(", "))
        };
        let candidates = sqlx::query_as(&format!(
            "select coalesce(live.store, made.store) as store, \
                coalesce(live.stream, made.stream) as stream \
             from public.{table} live full join {schema}.{table} made using (store, stream) \
             where {live} is distinct from {made} and (live.stream is not null or exists ( \
                select from events where aggregate_type = $1 and aggregate_id = made.stream \
                    and sequence = 1 and position <= $2)) \
             order by coalesce(live.stream, made.stream) collate \"C\"",
            schema = self.place.schema(self.projection),
            live = row("live"),
            made = row("made"),
        ))
        .bind(kind.name())
        .bind(self.watermark)
        .fetch_all(&mut *self.conn)
        .await?;
        let rows = sqlx::query_scalar(&format!("select count(*) from public.{table}"))
            .fetch_one(&mut *self.conn)
            .await?;
        Ok((rows, candidates))
    }

    /// The columns of a table, each with whether it is `json`.
    async fn columns(&mut self, table: &str) -> Result<Vec<Column>, sqlx::Error> {
        sqlx::query_as(
            "select quote_ident(attname) as name, atttypid = 'json'::regtype as is_json \
             from pg_attribute \
             where attrelid = to_regclass('public.' || $1) and attnum > 0 and not attisdropped",
        )
        .bind(table)
        .fetch_all(&mut *self.conn)
        .await
    }

    /// Both rows of each of these streams.
    async fn pairs(
        &mut self,
        table: &str,
        candidates: &[Candidate],
    ) -> Result<Vec<Pair>, sqlx::Error> {
        let (stores, streams): (Vec<&StoreName>, Vec<&StreamId>) = candidates
            .iter()
            .map(|candidate| (&candidate.store, &candidate.stream))
            .unzip();
        // Without the view, which may hold U+0000: `jsonb` does not take that.
        let beside: Vec<String> = self
            .columns(table)
            .await?
            .into_iter()
            .filter_map(|Column { name, is_json }| (!is_json).then_some(name))
            .collect();
        let columns = |side: &str| {
            let columns: Vec<String> = beside.iter().map(|c| format!("{side}.{c}")).collect();
            let columns = columns.join(", ");
            let names = beside.join(", ");
            format!(
                "case when {side}.stream is not null then \
                    (select to_jsonb(beside)::text from (select {columns}) as beside ({names})) end"
            )
        };
        sqlx::query_as(&format!(
            "select given.store, given.stream, \
                live.sequence as live_sequence, live.position as live_position, \
                live.view::text as live_view, {live} as live_columns, \
                made.sequence as made_sequence, made.position as made_position, \
                made.view::text as made_view, {made} as made_columns \
             from unnest($1::text[], $2::text[]) as given (store, stream) \
             left join public.{table} live using (store, stream) \
             left join {schema}.{table} made using (store, stream) \
             order by given.stream collate \"C\"",
            schema = self.place.schema(self.projection),
            live = columns("live"),
            made = columns("made"),
        ))
        .bind(stores)
        .bind(streams)
        .fetch_all(&mut *self.conn)
        .await
    }

    /// What is wrong with a live row, if anything.
    async fn judge<V: View>(&mut self, pair: Pair) -> Result<Option<Differing>, Error> {
        let is_due = pair
            .made_position
            .is_some_and(|made| made <= self.watermark);
        let (expected, columns) = if pair.live_sequence == pair.made_sequence
            || (is_due && pair.live_sequence < pair.made_sequence)
        {
            (pair.made_view, pair.made_columns)
        } else {
            let reached = pair.live_sequence.unwrap_or_default();
            (self.folded::<V>(&pair.stream, reached).await?, None)
        };
        let differences = match (&pair.live_view, &expected) {
            (None, None) => vec![],
            (Some(live), Some(expected)) if live == expected => {
                match (&pair.live_columns, &columns) {
                    (Some(live), Some(made)) => diff(&json(live), &json(made)),
                    _ => vec![],
                }
            }
            (live, expected) => differences(live.as_deref(), expected.as_deref()),
        };
        let view: Option<Value> = expected.or(pair.live_view).as_deref().map(json);
        let member = |name| view.as_ref().and_then(|view| view.get(name));
        Ok((!differences.is_empty()).then(|| Differing {
            table: V::TABLE,
            kind: V::KIND,
            store: pair.store,
            id: member("id")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            position: pair
                .live_position
                .or_else(|| {
                    let position = member("position").and_then(Value::as_i64);
                    position.map(Position::new)
                })
                .unwrap_or_default(),
            stream: pair.stream,
            differences,
        }))
    }

    /// A stream's view, from the store: up to a sequence, or up to the watermark, if that is further.
    /// None before its first record.
    async fn folded<V: View>(
        &mut self,
        stream: &StreamId,
        reached: Sequence,
    ) -> Result<Option<String>, Error> {
        let records = reader::stream(
            &mut *self.conn,
            V::KIND,
            stream,
            Sequence::START,
            Sequence::MAX,
        )
        .await?;
        let keys = match V::KIND {
            StreamKind::Customer => reader::keys(self.conn, self.keyring, &[stream]).await?,
            StreamKind::CustomerGroup => HashMap::new(),
        };
        let key = keys.get(stream).map(AsRef::as_ref);
        let apply = self.code.of::<V>();
        let mut view = V::default();
        for record in &records {
            if record.sequence > reached && record.position > self.watermark {
                break;
            }
            advance(&mut view, record, key, apply)?;
        }
        if view.row().sequence == Sequence::START {
            return Ok(None);
        }
        let text = serde_json::to_string(&view);
        Ok(Some(
            text.map_err(|error| sqlx::Error::Encode(error.into()))?,
        ))
    }
}

/// A stream's row in both tables.
#[derive(FromRow)]
struct Pair {
    store: StoreName,
    stream: StreamId,
    live_sequence: Option<Sequence>,
    live_position: Option<Position>,
    live_view: Option<String>,
    live_columns: Option<String>,
    made_sequence: Option<Sequence>,
    made_position: Option<Position>,
    made_view: Option<String>,
    made_columns: Option<String>,
}

/// What differs between two views whose texts do. Where the texts alone do, and the documents do not,
/// the whole is named: a rebuilt row equals the live one byte for byte.
fn differences(live: Option<&str>, expected: Option<&str>) -> Vec<Difference> {
    let (live, expected) = (live.map(json), expected.map(json));
    let found = match (&live, &expected) {
        (Some(live), Some(expected)) => diff(live, expected),
        _ => vec![],
    };
    if found.is_empty() {
        vec![Difference {
            pointer: String::new(),
            from: live,
            to: expected,
        }]
    } else {
        found
    }
}

/// What Postgres holds as `json` is JSON.
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(live: Option<&str>, expected: Option<&str>) -> Vec<String> {
        let found = differences(live, expected);
        found
            .into_iter()
            .map(|difference| difference.pointer)
            .collect()
    }

    #[test]
    fn views_differ_where_their_members_do_else_as_a_whole() {
        let (a, b) = (r#"{"a":{"b":1},"c":2}"#, r#"{"a":{"b":3},"c":2}"#);
        assert_eq!(pointers(Some(a), Some(b)), ["/a/b"]);
        assert_eq!(pointers(Some(a), Some(r#"{"c":2,"a":{"b":1}}"#)), [""]);
        assert_eq!(pointers(None, Some(b)), [""]);
        assert_eq!(pointers(Some(a), None), [""]);
    }
}
