//! The one way to write: commands, already decided, into one call of the SQL function `append`.

use events::ids::StoreName;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::command::Append;
use super::rows;
use super::verdict::{Verdict, VerdictRow, gather};
use crate::event_store::StoreError;
use crate::event_store::point::Point;

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
    // The condition is the same for every row: Postgres judges it once, before it calls the function.
    let rows: Vec<VerdictRow> = sqlx::query_as(
        "select command, verdict, position, time, detail \
         from append($1, $2, $3, $4, $5, $6, $7) \
         where $8 is null or exists (select from events where position = $8 and time = $9)",
    )
    .bind(store)
    .bind(i32::try_from(batch.len()).unwrap_or(i32::MAX))
    .bind(rows::streams(batch))
    .bind(rows::events(batch))
    .bind(rows::holds(batch))
    .bind(rows::secrets(batch))
    .bind(rows::requests(batch))
    .bind(newest.map(|newest| newest.position))
    .bind(newest.map(|newest| newest.time.to_sqlx()))
    .fetch_all(connection)
    .await
    .map_err(StoreError::of_append)?;
    if rows.is_empty() {
        return Err(StoreError::Lost);
    }
    gather(batch.len(), rows).map_err(StoreError::unknown)
}
