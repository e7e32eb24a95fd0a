//! Where a time, a place in a stream and a record lie in the ledger.
//!
//! Every read is along an index: a place in the ledger or in a stream is found by halving. Each step
//! is limited to the one row it finds: else Postgres, where it takes streams to be short, reads all of
//! a stream at each step.

use events::ids::{Position, Sequence, StreamId};
use events::record::StreamKind;
use jiff::Timestamp;

use crate::event_store::reader;
use crate::event_store::{Ledger, StoreError};

impl Ledger {
    /// The position of the last record that is not later than a time; 0 before the first. Times never
    /// go back from position to position.
    pub(crate) async fn position_at(&self, time: Timestamp) -> Result<Position, sqlx::Error> {
        sqlx::query_scalar(
            "with recursive search(low, high) as ( \
                select 0::bigint, (select coalesce(max(position), 0) from events) \
                union all \
                select case when e.early then middle else low end, \
                    case when e.early then high else middle - 1 end \
                from search, \
                    lateral (select (low + high + 1) / 2 as middle) m, \
                    lateral ( \
                        select (extract(epoch from time) * 1000000)::bigint <= $1 as early \
                        from events where position = middle limit 1) e \
                where low < high) \
             select low from search where low = high",
        )
        .bind(time.as_microsecond())
        .fetch_one(&self.pool)
        .await
    }

    /// The sequence that a stream had come to at a position; 0 before its first.
    pub(crate) async fn sequence_at(
        &self,
        kind: StreamKind,
        stream: &StreamId,
        position: Position,
    ) -> Result<Sequence, sqlx::Error> {
        sqlx::query_scalar(
            "with recursive search(low, high) as ( \
                select 0::bigint, coalesce(( \
                    select sequence from events \
                    where aggregate_type = $3 and aggregate_id = $1 \
                    order by sequence desc limit 1), 0) \
                union all \
                select case when e.early then middle else low end, \
                    case when e.early then high else middle - 1 end \
                from search, \
                    lateral (select (low + high + 1) / 2 as middle) m, \
                    lateral ( \
                        select position <= $2 as early from events \
                        where aggregate_type = $3 and aggregate_id = $1 \
                            and sequence = middle limit 1) e \
                where low < high) \
             select low from search where low = high",
        )
        .bind(stream)
        .bind(position)
        .bind(kind.name())
        .fetch_one(&self.pool)
        .await
    }

    /// Where a record of a stream stands: its position and time.
    pub(crate) async fn place_of(
        &self,
        kind: StreamKind,
        stream: &StreamId,
        sequence: Sequence,
    ) -> Result<Option<(Position, Timestamp)>, StoreError> {
        let stored =
            reader::stream(&self.pool, kind, stream, sequence.previous(), sequence).await?;
        Ok(stored.first().map(|stored| (stored.position, stored.time)))
    }
}
