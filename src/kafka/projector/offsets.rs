//! Where a projection goes on, written in the transaction that writes its views.
//!
//! Every change names the place it goes on from. One that finds another there changes nothing: a
//! projector that was overtaken, whose offsets were deleted, or whose last steps went with a
//! crash of Postgres, notices and reads them again.

use std::collections::BTreeMap;

use events::ids::Position;
use sqlx::{FromRow, PgConnection, PgPool};

use super::Error;

/// Which rows: one projection's, of one topic.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) projection: &'static str,
    pub(super) topic: String,
}

/// Where a projection is in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub(super) struct PartitionOffset {
    pub(super) next_offset: i64,
    /// Every record up to this position whose stream belongs to the partition is in the views.
    pub(super) applied: Position,
    /// In which filling of the topic the offset means something; none before the first record.
    pub(super) incarnation: Option<i64>,
}

/// Offsets by partition.
pub(super) type PartitionOffsets = BTreeMap<i32, PartitionOffset>;

/// What becomes of a partition's place.
pub(super) struct Step {
    pub(super) partition: i32,
    pub(super) from: PartitionOffset,
    pub(super) to: PartitionOffset,
    /// How often the store had to be read for it.
    pub(super) store_reads: i64,
}

#[derive(FromRow)]
struct Row {
    partition: i32,
    #[sqlx(flatten)]
    place: PartitionOffset,
}

/// The places of partitions; one that is new begins at the start. An error where somebody deletes
/// them meanwhile: what is handed out without a place would be read by nobody.
pub(super) async fn open(
    pool: &PgPool,
    scope: &Scope,
    partitions: &[i32],
) -> Result<PartitionOffsets, sqlx::Error> {
    sqlx::query(
        "insert into projection_offsets (projection, topic, partition) \
         select $1, $2, unnest($3::integer[]) on conflict do nothing",
    )
    .bind(scope.projection)
    .bind(&scope.topic)
    .bind(partitions)
    .execute(pool)
    .await?;
    let rows: Vec<Row> = sqlx::query_as(
        "select partition, next_offset, applied, incarnation from projection_offsets \
         where projection = $1 and topic = $2 and partition = any($3)",
    )
    .bind(scope.projection)
    .bind(&scope.topic)
    .bind(partitions)
    .fetch_all(pool)
    .await?;
    let places: PartitionOffsets = rows
        .into_iter()
        .map(|row| (row.partition, row.place))
        .collect();
    if places.len() == partitions.len() {
        Ok(places)
    } else {
        Err(sqlx::Error::RowNotFound)
    }
}

/// Takes steps, all or none: [`Error::Overtaken`] when a place is not where its step starts. One
/// that has less applied is not there either: Postgres crashed, and took the rest back with its
/// views.
pub(super) async fn take(
    conn: &mut PgConnection,
    scope: &Scope,
    steps: &[Step],
) -> Result<(), Error> {
    let each = |value: fn(&Step) -> i64| steps.iter().map(value).collect::<Vec<_>>();
    let applied = |place: fn(&Step) -> &PartitionOffset| {
        let places = steps.iter().map(place);
        places.map(|place| place.applied).collect::<Vec<_>>()
    };
    let taken = sqlx::query(
        "update projection_offsets as place \
         set next_offset = step.next_offset, applied = greatest(place.applied, step.applied), \
             incarnation = step.incarnation, store_reads = place.store_reads + step.store_reads \
         from unnest($3::integer[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], \
                 $8::bigint[], $9::bigint[]) \
             as step(partition, from_offset, from_applied, next_offset, applied, incarnation, \
                 store_reads) \
         where place.projection = $1 and place.topic = $2 and place.partition = step.partition \
             and place.next_offset = step.from_offset and place.applied >= step.from_applied",
    )
    .bind(scope.projection)
    .bind(&scope.topic)
    .bind(steps.iter().map(|step| step.partition).collect::<Vec<_>>())
    .bind(each(|step| step.from.next_offset))
    .bind(applied(|step| &step.from))
    .bind(each(|step| step.to.next_offset))
    .bind(applied(|step| &step.to))
    .bind(
        steps
            .iter()
            .map(|step| step.to.incarnation)
            .collect::<Vec<_>>(),
    )
    .bind(each(|step| step.store_reads))
    .execute(conn)
    .await?;
    if usize::try_from(taken.rows_affected()).ok() == Some(steps.len()) {
        Ok(())
    } else {
        Err(Error::Overtaken)
    }
}

/// Counts reads of the store that came to light after the step was taken.
pub(super) async fn count_store_reads(
    conn: &mut PgConnection,
    scope: &Scope,
    partition: i32,
    reads: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update projection_offsets set store_reads = store_reads + $4 \
         where projection = $1 and topic = $2 and partition = $3",
    )
    .bind(scope.projection)
    .bind(&scope.topic)
    .bind(partition)
    .bind(reads)
    .execute(conn)
    .await?;
    Ok(())
}

/// A partition's place and the last position sent to it.
#[derive(FromRow)]
pub(super) struct Standing {
    pub(super) partition: i32,
    pub(super) next_offset: i64,
    pub(super) applied: Position,
    pub(super) sent_position: Position,
}

/// Raises partitions that lack nothing to the last position sent at all, as `watermark` explains,
/// and says where all of them stand.
pub(super) async fn refresh(
    pool: &PgPool,
    scope: &Scope,
    partitions: &[i32],
) -> Result<Vec<Standing>, sqlx::Error> {
    sqlx::query(
        "update projection_offsets as place set applied = sent.position \
         from (select max(position) as position from sent_positions where topic = $2) as sent \
         where place.projection = $1 and place.topic = $2 and place.partition = any($3) \
             and place.applied < sent.position and place.applied >= coalesce(( \
                 select reached.position from sent_positions reached \
                 where reached.topic = $2 and reached.partition = place.partition), 0)",
    )
    .bind(scope.projection)
    .bind(&scope.topic)
    .bind(partitions)
    .execute(pool)
    .await?;
    sqlx::query_as(
        "select place.partition, place.next_offset, place.applied, \
             coalesce(sent.position, 0) as sent_position \
         from projection_offsets place left join sent_positions sent using (topic, partition) \
         where place.projection = $1 and place.topic = $2 and place.partition = any($3)",
    )
    .bind(scope.projection)
    .bind(&scope.topic)
    .bind(partitions)
    .fetch_all(pool)
    .await
}

/// The position up to which no partition at all lacks anything.
pub(super) async fn least_applied(pool: &PgPool, scope: &Scope) -> Result<Position, sqlx::Error> {
    sqlx::query_scalar(
        "select coalesce(min(applied), 0) from projection_offsets \
         where projection = $1 and topic = $2",
    )
    .bind(scope.projection)
    .bind(&scope.topic)
    .fetch_one(pool)
    .await
}
