//! The tables of views: one way to load, save and empty them all.

use std::collections::HashMap;

use events::ids::{Sequence, StoreName, StreamId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use crate::view::{Column, Value, View};

/// A view that is to replace its row.
#[derive(Clone, Copy, Debug)]
pub struct Advance<'a, V> {
    /// The sequence that the row must hold, else it is left alone; 0: there is no row yet.
    pub from: Sequence,
    /// The view to write.
    pub view: &'a V,
}

/// A row of a view's table.
#[derive(sqlx::FromRow)]
struct ViewRow {
    stream: StreamId,
    view: String,
}

/// The views of these streams, by stream, deleted ones too.
pub async fn load<V: View>(
    conn: &mut PgConnection,
    store: &StoreName,
    streams: &[StreamId],
) -> Result<HashMap<StreamId, V>, sqlx::Error> {
    let sql = format!(
        "select stream, view::text as view from {} where store = $1 and stream = any ($2)",
        V::TABLE
    );
    let rows: Vec<ViewRow> = sqlx::query_as(&sql)
        .bind(store)
        .bind(streams)
        .fetch_all(conn)
        .await?;
    rows.into_iter()
        .map(|row| Ok((row.stream, decode(&row.view)?)))
        .collect()
}

/// Writes each view over its row, if that is still at the sequence it was loaded at. Returns how many
/// rows were written: fewer than given means that another process wrote, and nothing here may be kept.
/// A stream occurs once at most.
pub async fn save<V: View>(
    conn: &mut PgConnection,
    store: &StoreName,
    rows: &[Advance<'_, V>],
) -> Result<i64, sqlx::Error> {
    let views: Vec<String> = rows
        .iter()
        .map(|row| encode(row.view))
        .collect::<Result<_, _>>()?;
    let sql = save_statement(V::TABLE, V::COLUMNS);
    let mut query = sqlx::query_scalar(&sql)
        .bind(store)
        .bind(rows.iter().map(|row| row.from).collect::<Vec<_>>())
        .bind(each(rows, |v| v.row().stream))
        .bind(each(rows, |v| v.row().id))
        .bind(each(rows, |v| v.row().sequence))
        .bind(each(rows, |v| v.row().position))
        .bind(each(rows, |v| v.row().deleted))
        .bind(each(rows, |v| v.row().created_at.to_string()))
        .bind(each(rows, |v| v.row().updated_at.to_string()))
        .bind(views);
    for column in V::COLUMNS {
        query = match column.value {
            Value::Text(text) => query.bind(each(rows, text)),
            Value::Boolean(boolean) => query.bind(each(rows, boolean)),
            Value::Number(number) => query.bind(each(rows, number)),
            Value::Texts(texts) => {
                let separator = SEPARATOR.to_string();
                query.bind(each(rows, |v| texts(v).join(&separator)))
            }
        };
    }
    query.fetch_one(conn).await
}

/// Empties the table, for a rebuild.
pub async fn clear<V: View>(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    let sql = format!("delete from {}", V::TABLE);
    sqlx::query(&sql).execute(conn).await?;
    Ok(())
}

/// Stands between the texts of an array where they are passed as one text.
pub(crate) const SEPARATOR: char = '\u{1f}';

/// The statement of [`save`].
///
/// `on conflict do update` could not compare with the given sequence, so rows are updated and inserted
/// side by side, in one statement. The store is joined like a column: compared as a constant, it makes a
/// table that was never analysed look as if it held a handful of rows, and a thousand of them take 700
/// ms instead of 50.
fn save_statement<V>(table: &str, columns: &[Column<V>]) -> String {
    let own = |text: fn(&Column<V>) -> String| -> String { columns.iter().map(text).collect() };
    let names = own(|column| format!(", {}", column.name));
    let sets = own(|column| format!(", {} = {}", column.name, column.stored()));
    let values = own(|column| format!(", {}", column.stored()));
    let arrays: Vec<_> = (11..)
        .zip(columns)
        .map(|(number, column)| format!(", ${number}::{}[]", column.passed_as()))
        .collect();
    let arrays = arrays.concat();
    format!(
        "with given as materialized (
            select $1 as store, *
            from unnest(
                $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::boolean[],
                $8::text[]::timestamptz[], $9::text[]::timestamptz[], $10::text[]{arrays}
            ) as given (
                held_sequence, stream, id, sequence, position, deleted,
                created_at, updated_at, view{names}
            )
        ), updated as (
            update {table} as held
            set sequence = given.sequence,
                position = given.position,
                deleted = given.deleted,
                updated_at = given.updated_at,
                view = given.view::json{sets}
            from given
            where held.store = given.store
                and held.stream = given.stream
                and held.sequence = given.held_sequence
            returning 1
        ), inserted as (
            insert into {table} (
                store, stream, id, sequence, position, deleted, created_at, updated_at, view{names}
            )
            select store, stream, id, sequence, position, deleted, created_at, updated_at,
                view::json{values}
            from given
            where held_sequence = 0
            on conflict (store, stream) do nothing
            returning 1
        )
        select (select count(*) from updated) + (select count(*) from inserted)"
    )
}

impl<V> Column<V> {
    /// The type that one value of the column is passed as.
    const fn passed_as(&self) -> &'static str {
        match self.value {
            Value::Text(_) | Value::Texts(_) => "text",
            Value::Boolean(_) => "boolean",
            Value::Number(_) => "smallint",
        }
    }

    /// The value to store, from the row `given`.
    fn stored(&self) -> String {
        let given = format!("given.{}", self.name);
        match self.value {
            Value::Text(_) | Value::Boolean(_) | Value::Number(_) => given,
            Value::Texts(_) => format!("string_to_array({given}, U&'\\001F')"),
        }
    }
}

/// One column: a value of each view.
fn each<'a, V, T>(rows: &[Advance<'a, V>], value: impl Fn(&'a V) -> T) -> Vec<T> {
    rows.iter().map(|row| value(row.view)).collect()
}

/// The view as the column `view` holds it.
fn encode(view: &impl Serialize) -> Result<String, sqlx::Error> {
    serde_json::to_string(view).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// The view in a column `view`. The error says where, not what: serde's own quotes the value.
pub(crate) fn decode<V: DeserializeOwned>(view: &str) -> Result<V, sqlx::Error> {
    serde_json::from_str(view).map_err(|error| {
        let place = format!("a stored view cannot be read at column {}", error.column());
        sqlx::Error::Decode(place.into())
    })
}

/// A text as a column holds it. PostgreSQL's text has no U+0000, and a record that cannot be written
/// would stop the projection; the view itself keeps the character.
pub(crate) fn column(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
