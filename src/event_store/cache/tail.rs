//! What other processes append, taken into this one's caches: what is decided on a stale state is
//! decided twice, and appended once in vain.
//!
//! Positions have no gap. So what lies between a process's own appends is what others appended, and a
//! process that is alone never looks. What is missed here costs a second decision, nothing else:
//! every append is checked against its stream, and every read of a remembered stream, too.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use events::record::{StoredRecord, StreamKind};
use moka::sync::Cache;
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::domain::customer::Customer;
use crate::domain::group::CustomerGroup;
use crate::event_store::Loaded;
use crate::event_store::StoreError;
use crate::event_store::appender::{Append, Verdict};
use crate::event_store::cache::high_water_mark::HighWaterMark;
use crate::event_store::cache::stream_locks::StreamLocks;
use crate::event_store::count;
use crate::event_store::read::reader;
use crate::event_store::stream::Stream;

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(10);
/// Most positions of one gap. Where more were missed, each stream is caught up when it is needed.
const GAP_MAX: i64 = 1000;
/// Own appends that may wait to be told; of those beyond, the records are read.
const WAITING_MAX: usize = 1024;

/// Positions, the first and the last.
type Range = RangeInclusive<i64>;

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
    pub fn appended(&self, appends: &[Append], verdicts: &[Verdict]) {
        let written = appends.iter().zip(verdicts);
        let written = written.filter_map(|(append, verdict)| match verdict {
            Verdict::Appended { position, time: _ } if !append.events.is_empty() => {
                Some((*position, count(&append.events)))
            }
            Verdict::Appended { .. }
            | Verdict::Stale
            | Verdict::Repeated(_)
            | Verdict::Conflicts(_) => None,
        });
        let (last, total) = written.fold((0, 0), |(last, total), (position, events)| {
            (position.max(last), total + events)
        });
        if total > 0 {
            // When too many wait, they are read as if they were somebody else's.
            self.0.try_send(last - total + 1..=last).ok();
        }
    }
}

/// Takes what others append into the caches.
pub(in crate::event_store) struct CacheTail {
    pub(in crate::event_store) pool: PgPool,
    pub(in crate::event_store) high_water_mark: Arc<HighWaterMark>,
    pub(in crate::event_store) stream_locks: Arc<StreamLocks>,
    pub(in crate::event_store) customers: Cache<String, Arc<Loaded<Customer>>>,
    pub(in crate::event_store) groups: Cache<String, Arc<Loaded<CustomerGroup>>>,
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
            let limit = (gap.end() - gap.start() + 1).min(GAP_MAX);
            records.extend(reader::after(&mut *connection, gap.end() - limit, limit).await?);
        }
        // A store that went back may go on from what is cached in another way.
        if reader::goes_on(&mut *connection, self.high_water_mark.get()).await? {
            for record in &records {
                match record.kind {
                    StreamKind::Customer => self.fold(&self.customers, record),
                    StreamKind::CustomerGroup => self.fold(&self.groups, record),
                }
            }
        }
        Ok(())
    }

    /// Folds a record into its stream, if that is remembered as it was right before.
    fn fold<S: Stream>(&self, cache: &Cache<String, Arc<Loaded<S>>>, record: &StoredRecord) {
        // Whoever is at it finds out alone.
        let Some(_lock) = self.stream_locks.try_take(&record.stream) else {
            return;
        };
        let Some(before) = cache.get(&record.stream) else {
            return;
        };
        if before.sequence + 1 != record.sequence {
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
fn gaps(until: &mut Option<i64>, mut own: Vec<Range>) -> Vec<Range> {
    own.sort_unstable_by_key(|range| *range.start());
    let mut gaps = vec![];
    for range in own {
        let (first, last) = range.into_inner();
        let next = until.map_or(first, |until| until + 1);
        if next < first {
            gaps.push(next..=first - 1);
        }
        *until = Some(last.max(next - 1));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_between_own_appends_is_somebody_elses() {
        let mut until = None;
        assert_eq!(gaps(&mut until, vec![5..=7]), [] as [Range; 0]);
        assert_eq!(gaps(&mut until, vec![8..=8]), [] as [Range; 0]);
        assert_eq!(gaps(&mut until, vec![20..=20, 11..=15]), [9..=10, 16..=19]);
        // Heard of late: it was looked at as if it were somebody else's.
        assert_eq!(gaps(&mut until, vec![16..=17]), [] as [Range; 0]);
        assert_eq!(gaps(&mut until, vec![22..=22]), [21..=21]);
    }
}
