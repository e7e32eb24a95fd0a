//! What the store lost of what was sent.

use events::ids::{Position, Sequence, StreamId};
use events::record::StoredRecord;
use jiff::Timestamp;

use crate::event_store::point::Point;

/// Records that Kafka has and the store has not, and how to go on without them.
#[derive(Clone, Debug)]
pub struct Loss {
    /// The first position.
    pub first: Position,
    /// The last position.
    pub last: Position,
    /// The topics that have the records.
    pub topics: Vec<String>,
    /// The records, in order. A position that a topic lost is not among them.
    pub records: Vec<Sent>,
    /// The first epoch that has no topic yet.
    pub next_epoch: i64,
}

/// A record in the topic, without what it says: of those that a restored store lost, there may be many.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its position.
    pub position: Position,
    /// When it was appended.
    pub time: Timestamp,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in that.
    pub sequence: Sequence,
    /// Type name of the event.
    pub event_type: String,
}

impl From<StoredRecord> for Sent {
    fn from(record: StoredRecord) -> Self {
        Self {
            position: record.position,
            time: record.time,
            stream: record.stream,
            sequence: record.sequence,
            event_type: record.event_type,
        }
    }
}

impl From<&Sent> for Point {
    fn from(sent: &Sent) -> Self {
        Self {
            position: sent.position,
            time: sent.time,
        }
    }
}
