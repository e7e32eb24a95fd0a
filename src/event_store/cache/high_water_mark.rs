//! The newest point of history that this process has seen.
//!
//! Its caches hold nothing newer. A store that was restored under a running process lost that point:
//! the process then writes nothing any more, because its caches show what never happened there.

use std::sync::{Mutex, PoisonError};

use crate::event_store::point::Point;

/// The newest point seen; none before the first.
#[derive(Debug, Default)]
pub struct HighWaterMark(Mutex<Option<Point>>);

impl HighWaterMark {
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
