//! How far a projection is: the position up to which its views hold everything.
//!
//! Records are sent in order of position, and every batch's marks are written in one statement. So
//! in one snapshot everything up to the greatest mark M is in the topic, and a partition whose
//! applied position has reached its mark lacks nothing up to M. When all have, the watermark is M;
//! else it is the least applied position among those that have not, for what those lack comes after
//! it. Marks and applied positions are read by one statement: in two, a mark could be older than what
//! it is compared with.
//!
//! Once a second a projector raises the applied position of its idle partitions to M by the same
//! reasoning; else a partition that slept for long would drag the watermark far back when it wakes.

use std::time::Duration;

use sqlx::{PgExecutor, PgPool};
use tokio::time::{Instant, sleep};

use super::Projection;

/// A reader who waits looks again this often.
const POLL: Duration = Duration::from_millis(5);

/// How far a projection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Everything up to here is in the views.
    pub watermark: i64,
    /// The ledger's last position.
    pub head: i64,
    /// Whether what the views lack is older than two seconds: waiting would be in vain.
    pub stalled: bool,
}

/// How far a projection is now.
pub async fn progress(
    executor: impl PgExecutor<'_>,
    topic: &str,
    projection: Projection,
) -> Result<Progress, sqlx::Error> {
    let (watermark, head, stalled) = sqlx::query_as(
        "with place as ( \
             select mark.position as mark, coalesce(reached.applied, 0) as applied \
             from relay_marks mark \
             left join projection_offsets reached \
                 on reached.projection = $2 and reached.topic = mark.topic \
                 and reached.partition = mark.partition \
             where mark.topic = $1 \
         ), edge as ( \
             select coalesce(min(applied) filter (where applied < mark), max(mark), 0) as watermark \
             from place \
         ) \
         select watermark, (select coalesce(max(position), 0) from events), exists ( \
             select from events where position = watermark + 1 \
             and time < clock_timestamp() - interval '2 seconds') \
         from edge",
    )
    .bind(topic)
    .bind(projection.name())
    .fetch_one(executor)
    .await?;
    Ok(Progress {
        watermark,
        head,
        stalled,
    })
}

/// The position up to which a projection holds everything.
pub async fn watermark(
    pool: &PgPool,
    topic: &str,
    projection: Projection,
) -> Result<i64, sqlx::Error> {
    Ok(progress(pool, topic, projection).await?.watermark)
}

/// Waits until a projection holds everything that was appended before the call, for `patience` at
/// most, and not at all when it is stalled. Says how far it is then, against that same head.
pub async fn caught_up(
    pool: &PgPool,
    topic: &str,
    projection: Projection,
    patience: Duration,
) -> Result<Progress, sqlx::Error> {
    let deadline = Instant::now() + patience;
    let mut now = progress(pool, topic, projection).await?;
    let head = now.head;
    while now.watermark < head && !now.stalled && Instant::now() + POLL < deadline {
        sleep(POLL).await;
        now = progress(pool, topic, projection).await?;
    }
    Ok(Progress { head, ..now })
}
