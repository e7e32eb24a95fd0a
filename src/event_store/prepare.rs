//! Makes of decided events what an append carries: sealed events, claims, marks and keys.

use std::sync::Arc;

use events::ids::{Sequence, StreamId};
use events::record::{Metadata, StreamKind};
use serde::Serialize;

use super::append::{Append, ClaimChange, CredentialChange, KeyChange, MarkChange, NewEvent};
use super::keys::seal::{SealContext, StreamKey};
use super::stream::Named;
use super::{Corrupt, StoreError};
use super::{Ledger, Loaded, Stream};
use crate::domain::claims::{Held, Holds, is_id};

impl Ledger {
    /// What an append of decided events carries: the sealed events, the claims and marks that
    /// change hands, the keys. Also the stream's key after it.
    pub(super) fn prepare<S: Stream>(
        &self,
        loaded: &Loaded<S>,
        after: &S,
        events: &[S::Event],
        metadata: &Metadata,
    ) -> Result<(Append, Option<Arc<StreamKey>>), StoreError> {
        let mut append = Append {
            streams: vec![loaded.expected()],
            ..Append::default()
        };
        if events.is_empty() {
            return Ok((append, loaded.key.clone()));
        }
        let stream = &loaded.stream;
        let key = if loaded.sequence == Sequence::START {
            let (key, wrapped) = self.keyring.new_stream_key(stream);
            let stored = Some((key.number(), wrapped));
            append.keys.push(KeyChange {
                stream: stream.clone(),
                key: stored,
            });
            Some(Arc::new(key))
        } else {
            loaded.key.clone()
        };
        for (offset, event) in (1..).zip(events) {
            let sequence = loaded.sequence.plus(offset);
            let place = SealContext {
                store: &self.store,
                stream,
                sequence,
            };
            append
                .events
                .push(seal(key.as_deref(), place, event, metadata)?);
        }
        let (before, now) = (loaded.aggregate.holds(), after.holds());
        let (claims, marks) = self.changes(stream, &before, &now);
        (append.claims, append.marks) = (claims, marks);
        if events.iter().any(S::erases) {
            append.keys.push(KeyChange {
                stream: stream.clone(),
                key: None,
            });
            append.credentials.push(CredentialChange {
                stream: stream.clone(),
                hash: None,
            });
            return Ok((append, None));
        }
        Ok((append, key))
    }

    /// The claims and marks that change hands between two states.
    fn changes(
        &self,
        stream: &StreamId,
        before: &Holds,
        after: &Holds,
    ) -> (Vec<ClaimChange>, Vec<MarkChange>) {
        let claim = |(kind, value): &(&'static str, Held), take| ClaimChange {
            kind,
            key: if is_id(kind) {
                value.0.clone().into_bytes()
            } else {
                self.keyring.hash_claim(kind, &value.0).to_vec()
            },
            stream: stream.clone(),
            take,
        };
        let mark = |(kind, value): &(&'static str, Held), take| MarkChange {
            kind,
            key: self.keyring.hash_claim(kind, &value.0).to_vec(),
            stream: stream.clone(),
            take,
            sole: false,
        };
        let released = before
            .claims
            .difference(&after.claims)
            .map(|c| claim(c, false));
        let taken = after
            .claims
            .difference(&before.claims)
            .map(|c| claim(c, true));
        let unmarked = before
            .marks
            .keys()
            .filter(|value| !after.marks.contains_key(value))
            .map(|value| mark(value, false));
        let marked = after
            .marks
            .iter()
            .filter(|(value, written)| before.marks.get(value) != Some(written))
            .map(|(value, _)| mark(value, true));
        (
            released.chain(taken).collect(),
            unmarked.chain(marked).collect(),
        )
    }
}

/// The event to write: payload and metadata sealed, as the exact texts that are stored.
fn seal<E: cqrs_es::DomainEvent + Named>(
    key: Option<&StreamKey>,
    place: SealContext<'_>,
    event: &E,
    metadata: &Metadata,
) -> Result<NewEvent, Corrupt> {
    let key = key.ok_or_else(|| Corrupt::NoStreamKey {
        stream: place.stream.clone(),
    })?;
    let mut payload = serde_json::to_value(event).expect("an event always serialises");
    let mut metadata = metadata.to_flat();
    if E::KIND == StreamKind::Customer {
        key.seal_payload(place, &mut payload);
    }
    key.seal_metadata(place, &mut metadata);
    Ok(NewEvent {
        kind: E::KIND,
        stream: place.stream.clone(),
        sequence: place.sequence,
        event_type: event.entry().type_name,
        event_version: event.entry().version(),
        payload: json_text(&payload),
        metadata: json_text(&metadata),
    })
}

/// JSON as text. `to_string` of a value writes the same, through `fmt`, at twice the cost.
fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a JSON value always serialises")
}
