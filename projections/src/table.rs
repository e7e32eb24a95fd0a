//! What the tables of views have in common.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A view that is to replace its row.
#[derive(Clone, Copy, Debug)]
pub struct Advance<'a, V> {
    /// The sequence that the row must hold, else it is left alone; 0: there is no row yet.
    pub from: i64,
    /// The view to write.
    pub view: &'a V,
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
