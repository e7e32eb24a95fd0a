//! The table `shopline_customers`.

pub mod pages;

use std::collections::HashMap;

use sqlx::PgConnection;

use super::customer::Customer;
use super::list::{SEPARATOR, email_subscribe_flag, search_text, state, terms};
use crate::table::{self, Advance, column, each, encode};

/// The rows of these streams, deleted ones too.
pub async fn load(
    conn: &mut PgConnection,
    store: &str,
    streams: &[String],
) -> Result<HashMap<String, Customer>, sqlx::Error> {
    let sql = "
        select stream, view::text
        from shopline_customers
        where store = $1 and stream = any ($2)";
    table::load(conn, sql, store, streams).await
}

/// Writes each view over its row, if that is still at the sequence it was loaded at. Returns how many
/// rows were written: fewer than given means that somebody else wrote, and nothing here may be kept.
///
/// A stream occurs once at most. `on conflict do update` could not compare with the given sequence,
/// so rows are updated and inserted side by side, in one statement.
pub async fn save(
    conn: &mut PgConnection,
    store: &str,
    rows: &[Advance<'_, Customer>],
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
        .bind(each(rows, |v| some(&v.email)))
        .bind(each(rows, |v| some(&v.first_name)))
        .bind(each(rows, |v| some(&v.last_name)))
        .bind(each(rows, |v| some(&v.phone)))
        .bind(each(rows, |v| v.created_at.to_string()))
        .bind(each(rows, |v| v.updated_at.to_string()))
        .bind(views)
        .bind(each(rows, search_text))
        .bind(each(rows, |v| terms(v).join(&SEPARATOR.to_string())))
        .bind(each(rows, email_subscribe_flag))
        .bind(each(rows, state))
        .bind(each(rows, |v| v.verified_email))
        .fetch_one(conn)
        .await
}

/// SHOPLINE's empty text is none.
fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| column(text))
}

/// The store is joined like a column: compared as a constant, it makes a table that was never analysed
/// look as if it held a handful of rows, and a thousand of them take 700 ms instead of 50.
const SAVE: &str = "
    with given as materialized (
        select $1 as store, *
        from unnest(
            $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::boolean[],
            $8::text[], $9::text[], $10::text[], $11::text[],
            $12::text[]::timestamptz[], $13::text[]::timestamptz[], $14::text[],
            $15::text[], $16::text[], $17::smallint[], $18::smallint[], $19::boolean[]
        ) as given (
            held_sequence, stream, id, sequence, position, deleted,
            email, first_name, last_name, phone, created_at, updated_at, view,
            search, terms, email_subscribe_flag, state, verified_email
        )
    ), updated as (
        update shopline_customers as held
        set sequence = given.sequence,
            position = given.position,
            deleted = given.deleted,
            email = given.email,
            first_name = given.first_name,
            last_name = given.last_name,
            phone = given.phone,
            updated_at = given.updated_at,
            view = given.view::json,
            search = given.search,
            terms = string_to_array(given.terms, U&'\\001F'),
            email_subscribe_flag = given.email_subscribe_flag,
            state = given.state,
            verified_email = given.verified_email
        from given
        where held.store = given.store
            and held.stream = given.stream
            and held.sequence = given.held_sequence
        returning 1
    ), inserted as (
        insert into shopline_customers (
            store, stream, id, sequence, position, deleted, email, first_name, last_name,
            phone, created_at, updated_at, view,
            search, terms, email_subscribe_flag, state, verified_email
        )
        select store, stream, id, sequence, position, deleted, email, first_name, last_name,
            phone, created_at, updated_at, view::json,
            search, string_to_array(terms, U&'\\001F'), email_subscribe_flag, state, verified_email
        from given
        where held_sequence = 0
        on conflict (store, stream) do nothing
        returning 1
    )
    select (select count(*) from updated) + (select count(*) from inserted)";

/// Empties the table, for a rebuild.
pub async fn clear(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("delete from shopline_customers")
        .execute(conn)
        .await?;
    Ok(())
}
