//! What others may know of rebuilds: whether one runs, and when tables were switched last.

use events::ids::Position;
use sqlx::PgExecutor;

use super::LOCK;
use super::tables::TableSet;
use crate::kafka::projector::Projection;

/// The latest switch of a projection's tables.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Last {
    /// When it was.
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub switched_at: jiff::Timestamp,
    /// Up to which position the tables held everything that came in.
    pub position: Position,
    /// Whether they had gone out before.
    pub went_back: bool,
    /// Whether the tables are kept that went out.
    pub is_kept: bool,
}

/// Whether a rebuild of a projection runs at the moment.
pub(crate) async fn is_running(
    executor: impl PgExecutor<'_>,
    projection: Projection,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "select exists (select from pg_locks \
         where locktype = 'advisory' and objsubid = 2 and classid::bigint = $1 \
            and objid::bigint = hashtext($2) & 4294967295 \
            and database = (select oid from pg_database where datname = current_database()))",
    )
    .bind(i64::from(LOCK))
    .bind(projection.name())
    .fetch_one(executor)
    .await
}

/// The latest switch of a projection's tables, if there ever was one.
pub async fn last(
    executor: impl PgExecutor<'_>,
    projection: Projection,
) -> Result<Option<Last>, sqlx::Error> {
    sqlx::query_as(
        "select switched_at, position, went_back, to_regnamespace($2) is not null as is_kept \
         from rebuilds where projection = $1 order by number desc limit 1",
    )
    .bind(projection.name())
    .bind(TableSet::Kept.schema(projection))
    .fetch_optional(executor)
    .await
}
