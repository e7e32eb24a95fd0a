//! Where records and streams stand.

use events::ids::{Position, Sequence, StreamId};
use events::record::{StoredRecord, StreamKind};
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

/// A stream, and the last record of it that was seen.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Kind of the stream.
    pub kind: StreamKind,
    /// The stream.
    pub stream: StreamId,
    /// Its last record.
    pub last: Point,
}

/// A stream and the sequence it was seen at.
#[derive(Clone, Debug)]
pub struct ExpectedStream {
    /// Kind of the stream.
    pub kind: StreamKind,
    /// The stream.
    pub stream: StreamId,
    /// Its last sequence as seen; 0 when it does not exist.
    pub sequence: Sequence,
}
