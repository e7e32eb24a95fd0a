//! Points of history.

use events::ids::Position;
use events::record::StoredRecord;
use jiff::Timestamp;

/// A record's place in history. The ledger gives no time twice: where a store that was restored went
/// on, it has other times at the positions that it lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The record's position.
    pub position: Position,
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
