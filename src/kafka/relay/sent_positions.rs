//! What Postgres knows of the topic: the last position sent to each partition.

use std::collections::BTreeMap;

use events::ids::Position;
use sqlx::{PgExecutor, PgPool};

/// Positions by partition.
pub(super) type SentPositions = BTreeMap<i32, Position>;

/// A row of `sent_positions`.
#[derive(sqlx::FromRow)]
struct SentPosition {
    partition: i32,
    position: Position,
}

/// The sent positions of a topic.
pub(super) async fn load(
    executor: impl PgExecutor<'_>,
    topic: &str,
) -> Result<SentPositions, sqlx::Error> {
    let rows: Vec<SentPosition> =
        sqlx::query_as("select partition, position from sent_positions where topic = $1")
            .bind(topic)
            .fetch_all(executor)
            .await?;
    let rows = rows.into_iter();
    Ok(rows.map(|row| (row.partition, row.position)).collect())
}

/// Raises the sent positions after a batch, in one statement. A relay that was overtaken lowers
/// none, and raises none of a topic that was filled anew since, as another incarnation.
///
/// It does not wait for the disk. After a crash of Postgres they are what they were some batches
/// ago, all together; so that they never tell of one batch and not of another before it, every call
/// gives those of all partitions. Nothing is sent twice, because the topic itself says what it has.
pub(super) async fn raise(
    executor: impl PgExecutor<'_>,
    topic: &str,
    incarnation: i64,
    sent: &SentPositions,
) -> Result<(), sqlx::Error> {
    write(executor, topic, incarnation, sent, false).await
}

/// Replaces the sent positions of a topic that lost records, and raises the ledger's incarnation:
/// from now on its offsets mean something else. Returns the new incarnation.
pub(super) async fn start_over(
    pool: &PgPool,
    topic: &str,
    sent: &SentPositions,
) -> Result<i64, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let incarnation =
        sqlx::query_scalar("update ledger set incarnation = incarnation + 1 returning incarnation")
            .fetch_one(&mut *transaction)
            .await?;
    sqlx::query("delete from sent_positions where topic = $1")
        .bind(topic)
        .execute(&mut *transaction)
        .await?;
    write(&mut *transaction, topic, incarnation, sent, true).await?;
    transaction.commit().await?;
    Ok(incarnation)
}

async fn write(
    executor: impl PgExecutor<'_>,
    topic: &str,
    incarnation: i64,
    sent: &SentPositions,
    durable: bool,
) -> Result<(), sqlx::Error> {
    let (partitions, positions): (Vec<i32>, Vec<Position>) = sent.iter().unzip();
    sqlx::query(
        "insert into sent_positions (topic, partition, position) \
         select $1, sent.partition, sent.position \
         from (select from ledger where incarnation = $2 for share) as current, \
             unnest($3::integer[], $4::bigint[]) as sent(partition, position) \
         where $5 or set_config('synchronous_commit', 'off', true) is not null \
         on conflict (topic, partition) do update set position = excluded.position \
         where sent_positions.position < excluded.position",
    )
    .bind(topic)
    .bind(incarnation)
    .bind(partitions)
    .bind(positions)
    .bind(durable)
    .execute(executor)
    .await?;
    Ok(())
}
