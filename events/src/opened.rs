//! A record whose personal values are open, before it is decoded.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::catalogue;
use crate::ids::{Position, Sequence, StoreName, StreamId};
use crate::record::{Metadata, Record, StreamKind};

/// A record as it was written, but opened: of the version it was written in. It is what one release of
/// the ledger can hand to another. `Debug` it has none, as it is full of personal data.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenedRecord {
    /// Place in the ledger's one total order.
    pub position: Position,
    /// Place in its stream.
    pub sequence: Sequence,
    /// The store.
    pub store: StoreName,
    /// Kind of the stream.
    pub kind: StreamKind,
    /// The stream.
    pub stream: StreamId,
    /// When it was appended.
    pub time: Timestamp,
    /// Type name of the event.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Version of the payload.
    pub version: String,
    /// The payload, its personal values open or erased.
    pub payload: Value,
    /// The metadata: a flat object of strings, likewise.
    pub metadata: Map<String, Value>,
}

impl OpenedRecord {
    /// Upcasts and decodes. What is wrong with a record it says without a value of it.
    pub fn decode<E: DeserializeOwned>(self) -> Result<Record<E>, &'static str> {
        let payload = catalogue::upcast(&self.event_type, &self.version, self.payload);
        Ok(Record {
            position: self.position,
            sequence: self.sequence,
            store: self.store,
            stream: self.stream,
            time: self.time,
            event: serde_json::from_value(payload).map_err(|_unexpected| "its payload")?,
            metadata: Metadata::from_flat(&self.metadata).map_err(|_incomplete| "its metadata")?,
        })
    }
}
