//! Points of history, and the newest that this process has seen.
//!
//! What is in its caches is no newer. A store that was restored under a running process lost that
//! point: the process then writes nothing any more, for its caches show what never happened there.

use std::sync::{Mutex, PoisonError};

use events::record::StoredRecord;
use jiff::Timestamp;

/// A record's place in history. The ledger gives no time twice: where a store that was restored went
/// on, it has other times at the positions that it lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The record's position.
    pub position: i64,
    /// When it was appended.
    pub time: Timestamp,
}

impl From<&StoredRecord> for Point {
    fn from(record: &StoredRecord) -> Self {
        Self {
            position: record.position,
            time: record.time,
        }
    }
}

/// The newest point seen; none before the first.
#[derive(Debug, Default)]
pub struct Newest(Mutex<Option<Point>>);

impl Newest {
    /// Takes note of a point.
    pub fn see(&self, point: Point) {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.is_none_or(|newest| newest.position < point.position) {
            *newest = Some(point);
        }
    }

    /// The newest point so far.
    pub fn get(&self) -> Option<Point> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
