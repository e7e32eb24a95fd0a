//! Locks that let the commands on one stream follow each other within this process, so that they
//! never make each other stale.

use std::collections::BTreeSet;

use events::ids::StreamId;
use tokio::sync::{Mutex, MutexGuard};

/// Streams share so many locks.
const STRIPES: usize = 4096;

/// The locks.
#[derive(Debug)]
pub(in crate::event_store) struct StreamLocks(Vec<Mutex<()>>);

/// Released when dropped.
pub(in crate::event_store) type StreamLock<'a> = MutexGuard<'a, ()>;

impl StreamLocks {
    /// All locks, free.
    pub(in crate::event_store) fn new() -> Self {
        Self((0..STRIPES).map(|_| Mutex::new(())).collect())
    }

    /// Waits for a stream's lock.
    pub(in crate::event_store) async fn take(&self, stream: &StreamId) -> StreamLock<'_> {
        self.lock(stripe(stream)).lock().await
    }

    /// A stream's lock, if it is free.
    pub(in crate::event_store) fn try_take(&self, stream: &StreamId) -> Option<StreamLock<'_>> {
        self.lock(stripe(stream)).try_lock().ok()
    }

    /// The locks of all streams. They are always taken in the same order, and a holder of a single
    /// lock takes no second one: there is no deadlock.
    pub(in crate::event_store) async fn take_all(
        &self,
        streams: impl Iterator<Item = &StreamId>,
    ) -> Vec<StreamLock<'_>> {
        let stripes: BTreeSet<usize> = streams.map(stripe).collect();
        let mut locks = Vec::with_capacity(stripes.len());
        for stripe in stripes {
            locks.push(self.lock(stripe).lock().await);
        }
        locks
    }

    fn lock(&self, stripe: usize) -> &Mutex<()> {
        let lock = self.0.get(stripe);
        lock.expect("a stripe is below their number")
    }
}

fn stripe(stream: &StreamId) -> usize {
    let hash = stream.bytes().fold(0_usize, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(usize::from(byte))
    });
    hash % STRIPES
}
