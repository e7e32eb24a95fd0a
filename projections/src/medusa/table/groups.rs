//! The table `medusa_groups`.

use std::collections::HashMap;

use sqlx::PgConnection;

use crate::medusa::group::Group;
use crate::table::{self, Advance, column, each, encode};

/// The rows of these streams, deleted ones too.
pub async fn load(
    conn: &mut PgConnection,
    store: &str,
    streams: &[String],
) -> Result<HashMap<String, Group>, sqlx::Error> {
    let sql = "
        select stream, view::text
        from medusa_groups
        where store = $1 and stream = any ($2)";
    table::load(conn, sql, store, streams).await
}

/// Streams of the groups that there are among these ids of Medusa's.
pub async fn streams(
    conn: &mut PgConnection,
    store: &str,
    ids: &[String],
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "select stream
         from medusa_groups
         where store = $1 and id = any ($2) and not deleted",
    )
    .bind(store)
    .bind(ids)
    .fetch_all(conn)
    .await
}

/// Writes each view over its row, if that is still at the sequence it was loaded at. Returns how many
/// rows were written; a stream occurs once at most. See [`super::customers::save`].
pub async fn save(
    conn: &mut PgConnection,
    store: &str,
    rows: &[Advance<'_, Group>],
) -> Result<i64, sqlx::Error> {
    let views = each(rows, encode).into_iter();
    let views: Vec<String> = views.collect::<Result<_, _>>()?;
    sqlx::query_scalar(SAVE)
        .bind(store)
        .bind(rows.iter().map(|row| row.from).collect::<Vec<_>>())
        .bind(each(rows, |v| v.stream.as_str()))
        .bind(each(rows, |v| v.id.as_str()))
        .bind(each(rows, |v| v.sequence))
        .bind(each(rows, |v| v.position))
        .bind(each(rows, |v| v.deleted))
        .bind(each(rows, |v| (!v.deleted).then(|| column(&v.name))))
        .bind(each(rows, |v| v.created_at.to_string()))
        .bind(each(rows, |v| v.updated_at.to_string()))
        .bind(views)
        .fetch_one(conn)
        .await
}

/// The store is joined like a column: compared as a constant, it makes a table that was never analysed
/// look as if it held a handful of rows, and a thousand of them take 700 ms instead of 50.
const SAVE: &str = "
    with given as materialized (
        select $1 as store, *
        from unnest(
            $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::boolean[],
            $8::text[], $9::text[]::timestamptz[], $10::text[]::timestamptz[], $11::text[]
        ) as given (
            held_sequence, stream, id, sequence, position, deleted,
            name, created_at, updated_at, view
        )
    ), updated as (
        update medusa_groups as held
        set sequence = given.sequence,
            position = given.position,
            deleted = given.deleted,
            name = given.name,
            updated_at = given.updated_at,
            view = given.view::json
        from given
        where held.store = given.store
            and held.stream = given.stream
            and held.sequence = given.held_sequence
        returning 1
    ), inserted as (
        insert into medusa_groups (
            store, stream, id, sequence, position, deleted, name, created_at, updated_at, view
        )
        select store, stream, id, sequence, position, deleted, name, created_at, updated_at,
            view::json
        from given
        where held_sequence = 0
        on conflict (store, stream) do nothing
        returning 1
    )
    select (select count(*) from updated) + (select count(*) from inserted)";

/// Empties the table, for a rebuild.
pub async fn clear(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("delete from medusa_groups")
        .execute(conn)
        .await?;
    Ok(())
}
