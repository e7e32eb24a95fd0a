//! A stream as loaded.

use std::sync::Arc;

use events::ids::{Sequence, StreamId};
use events::record::{Record, StoredRecord};

use super::Stream;
use crate::event_store::StoreError;
use crate::event_store::keys::seal::StreamKey;
use crate::event_store::point::{ExpectedStream, Point, Seen};
use crate::event_store::reader;

/// A stream as loaded: its state, its views and its key, all folded from the same records.
#[derive(Clone)]
pub struct Loaded<S: Stream> {
    /// The stream.
    pub stream: StreamId,
    /// Its last sequence; 0 when it does not exist.
    pub sequence: Sequence,
    /// The state.
    pub aggregate: S,
    /// The views of the state.
    pub views: S::Views,
    pub(in crate::event_store) key: Option<Arc<StreamKey>>,
    /// Its last record.
    pub(in crate::event_store) last: Option<Point>,
}

impl<S: Stream> Loaded<S> {
    /// A stream before its first event.
    pub(in crate::event_store) fn unborn(stream: StreamId, key: Option<Arc<StreamKey>>) -> Self {
        Self {
            stream,
            sequence: Sequence::START,
            aggregate: S::default(),
            views: S::Views::default(),
            key,
            last: None,
        }
    }

    /// Folds the stream's next event.
    pub(in crate::event_store) fn fold(&mut self, stored: &StoredRecord) -> Result<(), StoreError> {
        let record = reader::decode::<S::Event>(stored, self.key.as_deref())?;
        self.take(record);
        Ok(())
    }

    pub(in crate::event_store) fn take(&mut self, record: Record<S::Event>) {
        self.sequence = record.sequence;
        self.last = Some(Point {
            position: record.position,
            time: record.time,
        });
        S::show(&mut self.views, &record);
        self.aggregate.apply(record.event);
    }

    /// Whether the stream's key is gone: nothing personal can be shown, of no time.
    pub const fn is_erased(&self) -> bool {
        self.sequence.get() > 0 && self.key.is_none()
    }

    /// Where it stands, if it exists.
    pub(in crate::event_store) fn seen(&self) -> Option<Seen> {
        Some(Seen {
            kind: S::KIND,
            stream: self.stream.clone(),
            last: self.last?,
        })
    }

    pub(in crate::event_store) fn expected(&self) -> ExpectedStream {
        ExpectedStream {
            kind: S::KIND,
            stream: self.stream.clone(),
            sequence: self.sequence,
        }
    }
}
