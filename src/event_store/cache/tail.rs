//! The cache tail: folds what other processes append into this process's cached streams. A decision
//! on a stale stream is made twice, and its first append is in vain.
//!
//! Positions have no gap: whatever lies between a process's own appends was appended by others, and
//! a process that is alone reads nothing here. A record that is missed costs a second decision and
//! nothing else, because every append, and every read from the cache, is checked against the store.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use events::ids::Position;
use events::record::{StoredRecord, StreamKind};
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::domain::customer::Customer;
use crate::domain::group::CustomerGroup;
use crate::event_store::StoreError;
use crate::event_store::cache::high_water_mark::HighWaterMark;
use crate::event_store::cache::stream_locks::StreamLocks;
use crate::event_store::reader;
use crate::event_store::stream::{Loaded, Stream, StreamCaches};

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(10);
/// Most positions of one gap. Where more were missed, each stream is caught up when it is needed.
const GAP_MAX: i64 = 1000;
/// Own appends that may wait to be told; of those beyond, the records are read.
const WAITING_MAX: usize = 1024;

/// Positions, the first and the last.
type Range = RangeInclusive<Position>;

/// Hears of this process's own appends.
#[derive(Clone)]
pub struct OwnAppends(mpsc::Sender<Range>);

impl OwnAppends {
    /// One to tell, and where it is heard.
    pub fn new() -> (Self, mpsc::Receiver<Range>) {
        let (own, heard) = mpsc::channel(WAITING_MAX);
        (Self(own), heard)
    }

    /// Tells what one call appended: its positions follow each other.
    pub fn appended(&self, positions: RangeInclusive<Position>) {
        // When too many wait, they are read as if they were somebody else's.
        self.0.try_send(positions).ok();
    }
}

/// Takes what others append into the caches.
pub(in crate::event_store) struct CacheTail {
    pub(in crate::event_store) pool: PgPool,
    pub(in crate::event_store) high_water_mark: Arc<HighWaterMark>,
    pub(in crate::event_store) stream_locks: Arc<StreamLocks>,
    pub(in crate::event_store) caches: StreamCaches,
}

impl CacheTail {
    /// Follows until nobody appends any more.
    pub(in crate::event_store) async fn follow(self, mut heard: mpsc::Receiver<Range>) {
        let mut until = None;
        let mut own = vec![];
        while heard.recv_many(&mut own, WAITING_MAX).await > 0 {
            // Calls that overlap are told in any order; others' appends gather meanwhile.
            sleep(INTERVAL).await;
            while let Ok(range) = heard.try_recv() {
                own.push(range);
            }
            let gaps = gaps(&mut until, std::mem::take(&mut own));
            if !gaps.is_empty()
                && let Err(error) = self.take(gaps).await
            {
                tracing::debug!(error = %error, "what others appended was not read");
            }
        }
    }

    async fn take(&self, gaps: Vec<Range>) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await?;
        let mut records = vec![];
        for gap in gaps {
            let limit = gap.end().since(gap.start().previous()).min(GAP_MAX);
            records.extend(reader::after(&mut *connection, gap.end().plus(-limit), limit).await?);
        }
        // A store that went back may go on from what is cached in another way.
        if reader::goes_on(&mut *connection, self.high_water_mark.get()).await? {
            for record in &records {
                match record.kind {
                    StreamKind::Customer => self.fold::<Customer>(record),
                    StreamKind::CustomerGroup => self.fold::<CustomerGroup>(record),
                }
            }
        }
        Ok(())
    }

    /// Folds a record into its stream, if that is remembered as it was right before.
    fn fold<S: Stream>(&self, record: &StoredRecord) {
        let cache = S::cache(&self.caches);
        // A command that is being carried out on the stream catches up by itself.
        let Some(_lock) = self.stream_locks.try_take(&record.stream) else {
            return;
        };
        let Some(before) = cache.get(&record.stream) else {
            return;
        };
        if before.sequence.next() != record.sequence {
            return;
        }
        match reader::decode::<S::Event>(record, before.key.as_deref()) {
            Ok(record) if !S::erases(&record.event) => {
                let mut loaded = Loaded::clone(&before);
                loaded.take(record);
                loaded
                    .last
                    .iter()
                    .for_each(|last| self.high_water_mark.see(*last));
                cache.insert(loaded.stream.clone(), Arc::new(loaded));
            }
            Ok(_) | Err(_) => cache.invalidate(&record.stream),
        }
    }
}

/// What lies between own appends, given in any order, and what came before them.
fn gaps(until: &mut Option<Position>, mut own: Vec<Range>) -> Vec<Range> {
    own.sort_unstable_by_key(|range| *range.start());
    let mut gaps = vec![];
    for range in own {
        let (first, last) = range.into_inner();
        let next = until.map_or(first, Position::next);
        if next < first {
            gaps.push(next..=first.previous());
        }
        *until = Some(last.max(next.previous()));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_between_own_appends_is_somebody_elses() {
        let range = |first, last| Position::new(first)..=Position::new(last);
        let mut until = None;
        assert_eq!(gaps(&mut until, vec![range(5, 7)]), [] as [Range; 0]);
        assert_eq!(gaps(&mut until, vec![range(8, 8)]), [] as [Range; 0]);
        assert_eq!(
            gaps(&mut until, vec![range(20, 20), range(11, 15)]),
            [range(9, 10), range(16, 19)]
        );
        // Heard of late: it was looked at as if it were somebody else's.
        assert_eq!(gaps(&mut until, vec![range(16, 17)]), [] as [Range; 0]);
        assert_eq!(gaps(&mut until, vec![range(22, 22)]), [range(21, 21)]);
    }
}
