//! What the tables of views have in common.

use std::collections::HashMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

/// A view that is to replace its row.
#[derive(Clone, Copy, Debug)]
pub struct Advance<'a, V> {
    /// The sequence that the row must hold, else it is left alone; 0: there is no row yet.
    pub from: i64,
    /// The view to write.
    pub view: &'a V,
}

/// The views of these streams, by stream. The statement takes the store and the streams, and gives
/// each row's stream and view, as text.
pub(crate) async fn load<V: DeserializeOwned>(
    conn: &mut PgConnection,
    sql: &'static str,
    store: &str,
    streams: &[String],
) -> Result<HashMap<String, V>, sqlx::Error> {
    let rows: Vec<(String, String)> = sqlx::query_as(sql)
        .bind(store)
        .bind(streams)
        .fetch_all(conn)
        .await?;
    rows.into_iter()
        .map(|(stream, view)| Ok((stream, decode(&view)?)))
        .collect()
}

/// One column: a value of each view.
pub(crate) fn each<'a, V, T>(rows: &[Advance<'a, V>], value: impl Fn(&'a V) -> T) -> Vec<T> {
    rows.iter().map(|row| value(row.view)).collect()
}

/// The view as the column `view` holds it.
pub(crate) fn encode(view: &impl Serialize) -> Result<String, sqlx::Error> {
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
