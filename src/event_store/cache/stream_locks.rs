//! Commands for one stream take turns within this process, so that they never conflict there.

use std::collections::BTreeSet;

use events::ids::StreamId;
use tokio::sync::{Mutex, MutexGuard};

/// Streams share so many locks.
const STRIPES: usize = 4096;

/// The locks.
#[derive(Debug)]
pub(in crate::event_store) struct StreamLocks(Vec<Mutex<()>>);

/// Over when dropped.
pub(in crate::event_store) type StreamLock<'a> = MutexGuard<'a, ()>;

impl StreamLocks {
    /// Nobody's turn yet.
    pub(in crate::event_store) fn new() -> Self {
        Self((0..STRIPES).map(|_| Mutex::new(())).collect())
    }

    /// Waits for a stream's turn.
    pub(in crate::event_store) async fn take(&self, stream: &StreamId) -> StreamLock<'_> {
        self.lock(stripe(stream)).lock().await
    }

    /// A stream's turn, if it is nobody's.
    pub(in crate::event_store) fn try_take(&self, stream: &StreamId) -> Option<StreamLock<'_>> {
        self.lock(stripe(stream)).try_lock().ok()
    }

    /// The turns of all streams. Whoever takes several takes them in one order, and whoever takes
    /// one waits for no other: nobody waits for somebody who waits for him.
    pub(in crate::event_store) async fn take_all(
        &self,
        streams: impl Iterator<Item = &StreamId>,
    ) -> Vec<StreamLock<'_>> {
        let stripes: BTreeSet<usize> = streams.map(stripe).collect();
        let mut turns = Vec::with_capacity(stripes.len());
        for stripe in stripes {
            turns.push(self.lock(stripe).lock().await);
        }
        turns
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
