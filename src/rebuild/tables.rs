//! The tables of a rebuild: made like the live ones, moved to their place, kept, brought back.
//!
//! A projection's tables have fixed names. Those that are being built stand in the schema
//! `<projection>_next`, those that were replaced in `<projection>_kept`: names of indexes, constraints
//! and triggers are the same everywhere, and statements that name a table mean whatever stands in
//! `public`. What belongs to a table is read from the live one, so that a migration that adds an index
//! need not know of this.

use sqlx::{Connection as _, PgConnection};

use crate::kafka::projector::Projection;

/// Where tables of a projection stand that are not live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableSet {
    /// Being built.
    Next,
    /// Replaced.
    Kept,
    /// On the way out.
    Gone,
}

impl TableSet {
    /// The name of the schema.
    pub(super) fn schema(self, projection: Projection) -> String {
        let place = match self {
            Self::Next => "next",
            Self::Kept => "kept",
            Self::Gone => "gone",
        };
        format!("{}_{place}", projection.name())
    }
}

/// Makes the tables anew, empty, with what is needed to fill them; what an interrupted rebuild left is
/// removed.
pub(super) async fn make(
    conn: &mut PgConnection,
    projection: Projection,
) -> Result<(), sqlx::Error> {
    let statements = statements(conn, MADE, projection).await?;
    let mut transaction = conn.begin().await?;
    remove(&mut transaction, projection, TableSet::Next).await?;
    let schema = TableSet::Next.schema(projection);
    run(&mut transaction, &format!("create schema {schema}")).await?;
    run_in(&mut transaction, &schema, &statements).await?;
    transaction.commit().await
}

/// Adds what is faster to make when the rows are there.
pub(super) async fn finish(
    conn: &mut PgConnection,
    projection: Projection,
) -> Result<(), sqlx::Error> {
    let statements = statements(conn, FINISHED, projection).await?;
    let mut transaction = conn.begin().await?;
    run(&mut transaction, "set local maintenance_work_mem = '256MB'").await?;
    run_in(
        &mut transaction,
        &TableSet::Next.schema(projection),
        &statements,
    )
    .await?;
    transaction.commit().await
}

/// Removes tables that are not live.
pub(super) async fn remove(
    conn: &mut PgConnection,
    projection: Projection,
    place: TableSet,
) -> Result<(), sqlx::Error> {
    let schema = place.schema(projection);
    run(conn, &format!("drop schema if exists {schema} cascade")).await
}

/// Whether there are tables.
pub(super) async fn exist(
    conn: &mut PgConnection,
    projection: Projection,
    place: TableSet,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select to_regnamespace($1) is not null")
        .bind(place.schema(projection))
        .fetch_one(conn)
        .await
}

/// Keeps autovacuum away from the live tables and from those that are to come, within a transaction; no
/// read or write waits for it. What works on a table already lets go once somebody has waited for
/// `deadlock_timeout`, a second, and may hold it for minutes otherwise. Says whether it did.
pub(super) async fn reserve(
    conn: &mut PgConnection,
    projection: Projection,
    from: TableSet,
) -> Result<bool, sqlx::Error> {
    let schemas = ["public", &from.schema(projection)];
    try_lock(conn, projection, &schemas, "share update exclusive", "2s").await
}

/// Locks the tables of a schema against everybody, within a transaction, or gives up after 50 ms:
/// whoever asks for them meanwhile waits behind this, and a search may hold them for a second.
pub(super) async fn lock(
    conn: &mut PgConnection,
    projection: Projection,
    schema: &str,
) -> Result<bool, sqlx::Error> {
    try_lock(conn, projection, &[schema], "access exclusive", "50ms").await
}

async fn try_lock(
    conn: &mut PgConnection,
    projection: Projection,
    schemas: &[&str],
    mode: &str,
    patience: &str,
) -> Result<bool, sqlx::Error> {
    run(conn, &format!("set local lock_timeout = '{patience}'")).await?;
    let tables: Vec<String> = schemas
        .iter()
        .flat_map(|schema| {
            let tables = projection.tables().into_iter();
            tables.map(move |table| format!("{schema}.{table}"))
        })
        .collect();
    let statement = format!("lock table {} in {mode} mode", tables.join(", "));
    match run(conn, &statement).await {
        Ok(()) => Ok(true),
        Err(error) if is_timeout(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_timeout(error: &sqlx::Error) -> bool {
    // lock_not_available, deadlock_detected
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| matches!(code.as_ref(), "55P03" | "40P01"))
}

/// Whether tables have the columns, indexes, constraints and triggers of the live ones: a migration
/// may have come in between.
pub(super) async fn fit(
    conn: &mut PgConnection,
    projection: Projection,
    place: TableSet,
) -> Result<bool, sqlx::Error> {
    let mut shapes = vec![];
    for schema in ["public", &place.schema(projection)] {
        let shape: Vec<String> = sqlx::query_scalar(SHAPE)
            .bind(schema)
            .bind(projection.tables())
            .fetch_all(&mut *conn)
            .await?;
        shapes.push(shape);
    }
    Ok(shapes.first() == shapes.last())
}

/// Moves tables to where the live ones are, and keeps these, within a transaction that has the lock.
pub(super) async fn swap(
    conn: &mut PgConnection,
    projection: Projection,
    from: TableSet,
) -> Result<(), sqlx::Error> {
    let [next, kept, gone] =
        [TableSet::Next, TableSet::Kept, TableSet::Gone].map(|place| place.schema(projection));
    if exist(conn, projection, TableSet::Kept).await? {
        let to = if from == TableSet::Kept { &next } else { &gone };
        run(conn, &format!("alter schema {kept} rename to {to}")).await?;
    }
    run(conn, &format!("create schema {kept}")).await?;
    for table in projection.tables() {
        let out = format!("alter table public.{table} set schema {kept}");
        run(conn, &out).await?;
        let into = format!("alter table {next}.{table} set schema public");
        run(conn, &into).await?;
    }
    run(conn, &format!("drop schema {next}")).await
}

/// Has the live table's trigger (`deleted_rows_are_not_kept`) take everything out of the kept one that the live one
/// has no more: the tables that came in may have seen a deletion that those before had not.
pub(super) async fn blank_kept(
    conn: &mut PgConnection,
    projection: Projection,
) -> Result<(), sqlx::Error> {
    let table = format!("{}_customers", projection.name());
    let kept = TableSet::Kept.schema(projection);
    let touch = format!(
        "update public.{table} live set deleted = true from {kept}.{table} held \
         where live.deleted and not held.deleted \
            and held.store = live.store and held.stream = live.stream"
    );
    run(conn, &touch).await
}

/// Runs statements that name tables without a schema, in one.
async fn run_in(
    conn: &mut PgConnection,
    schema: &str,
    statements: &[String],
) -> Result<(), sqlx::Error> {
    // Operators of extensions, and functions of triggers, are in `public`.
    run(conn, &format!("set local search_path = {schema}, public")).await?;
    for statement in statements {
        run(conn, statement).await?;
    }
    Ok(())
}

async fn run(conn: &mut PgConnection, statement: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(statement).execute(conn).await?;
    Ok(())
}

/// The statements that a query gives for the live tables of a projection.
async fn statements(
    conn: &mut PgConnection,
    query: &str,
    projection: Projection,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(query)
        .bind(projection.tables())
        .fetch_all(conn)
        .await
}

/// A table with its owner, primary key, triggers and rights. Only "pretty" definitions name a table
/// without its schema.
const MADE: &str = "
    select made.statement
    from unnest($1::text[]) with ordinality as given (name, number)
    join pg_class live on live.oid = to_regclass('public.' || quote_ident(given.name))
    cross join lateral (
        select 1, format('create table %I (like public.%I including all excluding indexes)%s',
            given.name, given.name, ' with (' || array_to_string(live.reloptions, ', ') || ')')
        union all
        select 2, format('alter table %I owner to %I', given.name, pg_get_userbyid(live.relowner))
        union all
        select 3, format('alter table %I add constraint %I %s',
            given.name, conname, pg_get_constraintdef(oid))
        from pg_constraint where conrelid = live.oid and contype = 'p'
        union all
        select 4, pg_get_triggerdef(oid, true)
        from pg_trigger where tgrelid = live.oid and not tgisinternal
        union all
        select 5, format('grant %s on %I to %s', privilege_type, given.name,
            case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end)
        from aclexplode(live.relacl) where grantee <> live.relowner
    ) as made (step, statement)
    order by given.number, made.step";

/// All other constraints and indexes, and what the planner has to know.
const FINISHED: &str = "
    select made.statement
    from unnest($1::text[]) with ordinality as given (name, number)
    join pg_class live on live.oid = to_regclass('public.' || quote_ident(given.name))
    cross join lateral (
        select 1, format('alter table %I add constraint %I %s',
            given.name, conname, pg_get_constraintdef(oid))
        from pg_constraint where conrelid = live.oid and contype in ('u', 'x')
        union all
        select 2, pg_get_indexdef(indexrelid, 0, true)
        from pg_index
        where indrelid = live.oid
            and not exists (select from pg_constraint where conindid = indexrelid)
        union all
        select 3, format('analyze %I', given.name)
    ) as made (step, statement)
    order by given.number, made.step";

const SHAPE: &str = "
    select format('%s %s', held.relname, part.line)
    from pg_class held
    cross join lateral (
        select format('column %s %s %s', attname, format_type(atttypid, atttypmod), attnotnull)
        from pg_attribute where attrelid = held.oid and attnum > 0 and not attisdropped
        union all
        select format('index %s', other.relname)
        from pg_index join pg_class other on other.oid = indexrelid where indrelid = held.oid
        union all
        select format('constraint %s', conname) from pg_constraint where conrelid = held.oid
        union all
        select format('trigger %s', tgname)
        from pg_trigger where tgrelid = held.oid and not tgisinternal
    ) as part (line)
    where held.relnamespace = to_regnamespace($1) and held.relname = any ($2)
    order by 1";
