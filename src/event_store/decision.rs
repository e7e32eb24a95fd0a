//! What a stream makes of a command.

use std::sync::Arc;

use cqrs_es::event_sink::EventSink;
use events::ids::Sequence;
use events::record::Metadata;

use super::append::Append;

use super::keys::seal::StreamKey;
use super::{Ledger, Loaded, StoreError, Stream, count};

/// What a stream makes of a command.
pub(super) enum Decision<S: Stream> {
    /// Something happens.
    Append(Append, Decided<S>),
    /// The state already is what the command asks for. The append confirms that it still is.
    NothingToDo(Append, Decided<S>),
    /// The command is refused.
    Refused(S::Error),
}

/// A stream after a command.
pub(super) struct Decided<S: Stream> {
    pub(super) after: S,
    pub(super) events: Vec<S::Event>,
    pub(super) sequence: Sequence,
    pub(super) key: Option<Arc<StreamKey>>,
}

impl Ledger {
    /// Has a stream decide on a command, and prepares what its decision appends.
    pub(super) async fn decide<S: Stream>(
        &self,
        loaded: &Loaded<S>,
        command: S::Command,
        metadata: &Metadata,
    ) -> Result<Decision<S>, StoreError> {
        let needs = S::needs(&command);
        let mut after = loaded.aggregate.clone();
        let sink = EventSink::default();
        if let Err(refusal) = after.handle(command, &(), &sink).await {
            return Ok(Decision::Refused(refusal));
        }
        let events = sink.collect().await;
        let (mut append, key) = self.prepare(loaded, &after, &events, metadata)?;
        append.groups = needs.groups;
        for mark in &mut append.marks {
            mark.sole = needs.sole_marks;
        }
        let decide = if events.is_empty() {
            Decision::NothingToDo
        } else {
            Decision::Append
        };
        let decided = Decided {
            sequence: loaded.sequence.plus(count(&events)),
            after,
            events,
            key,
        };
        Ok(decide(append, decided))
    }
}
