//! Streams in memory, by kind.

use std::sync::Arc;

use events::ids::StreamId;
use moka::sync::Cache;

use super::{Loaded, Stream};
use crate::domain::customer::Customer;
use crate::domain::group::CustomerGroup;

/// Approximate bytes of cached streams, customers and groups each.
const CACHE_BYTES: u64 = 24 * 1024 * 1024;

/// The streams that are held in memory. Clones share them.
#[derive(Clone)]
pub struct StreamCaches {
    pub(super) customers: Cache<StreamId, Arc<Loaded<Customer>>>,
    pub(super) groups: Cache<StreamId, Arc<Loaded<CustomerGroup>>>,
}

impl Default for StreamCaches {
    fn default() -> Self {
        Self {
            customers: cache(),
            groups: cache(),
        }
    }
}

fn cache<S: Stream>() -> Cache<StreamId, Arc<Loaded<S>>> {
    Cache::builder()
        .max_capacity(CACHE_BYTES)
        // State and views hold each text about three times, and some fixed parts. What led to the
        // state weighs nothing: a long stream takes no more room than a short one.
        .weigher(|_, loaded: &Arc<Loaded<S>>| {
            let mut state = Length(0);
            // Only counted, so it cannot fail.
            drop(serde_json::to_writer(&mut state, &loaded.aggregate));
            u32::try_from(state.0 * 3 + 1024).unwrap_or(u32::MAX)
        })
        .build()
}

/// Counts what is written.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
