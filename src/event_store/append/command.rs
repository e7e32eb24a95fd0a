//! A decided command: what one call appends, whole or not at all.

use events::ids::{Sequence, StreamId};
use events::record::StreamKind;

use crate::event_store::point::ExpectedStream;

/// One decided command: what it expects, writes, takes and gives back. All or nothing.
#[derive(Clone, Debug, Default)]
pub struct Append {
    /// The streams it was decided on, each with the sequence it was seen at; 0: not there.
    pub streams: Vec<ExpectedStream>,
    /// What happened, in order.
    pub events: Vec<NewEvent>,
    /// Claims to take and to release.
    pub claims: Vec<ClaimChange>,
    /// Marks to take and to release.
    pub marks: Vec<MarkChange>,
    /// Streams of groups that must exist.
    pub groups: Vec<StreamId>,
    /// Streams' new wrapped keys, or their deletion.
    pub keys: Vec<KeyChange>,
    /// New password hashes (argon2id) for streams, or their deletion.
    pub credentials: Vec<CredentialChange>,
    /// The request's idempotency key.
    pub request: Option<NewRequest>,
}

impl Append {
    /// Takes in another's part, so that both are one command.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.streams.extend(other.streams);
        self.events.extend(other.events);
        self.claims.extend(other.claims);
        self.marks.extend(other.marks);
        self.groups.extend(other.groups);
        self.keys.extend(other.keys);
        self.credentials.extend(other.credentials);
        self.request = self.request.take().or(other.request);
    }
}

/// An event to write, sealed.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Kind of the stream.
    pub kind: StreamKind,
    /// The stream.
    pub stream: StreamId,
    /// Its place in the stream.
    pub sequence: Sequence,
    /// Type name.
    pub event_type: &'static str,
    /// Version of the payload.
    pub event_version: &'static str,
    /// The payload's JSON text.
    pub payload: String,
    /// The metadata's JSON text.
    pub metadata: String,
}

/// A claim to take or to release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimChange {
    /// Kind of the claim.
    pub kind: &'static str,
    /// The value's HMAC; of an id, the id itself.
    pub key: Vec<u8>,
    /// Who takes or holds it.
    pub stream: StreamId,
    /// Whether it is taken, not released.
    pub take: bool,
}

/// A mark to take or to release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkChange {
    /// Kind of the mark.
    pub kind: &'static str,
    /// The value's HMAC.
    pub key: Vec<u8>,
    /// Who takes or holds it.
    pub stream: StreamId,
    /// Whether it is taken, not released.
    pub take: bool,
    /// Whether the command is refused when another stream has the mark.
    pub sole: bool,
}

/// A stream's wrapped key, new or to be deleted.
#[derive(Clone, Debug)]
pub struct KeyChange {
    /// The stream.
    pub stream: StreamId,
    /// Number and wrapped key; `None` deletes it.
    pub key: Option<(i32, Vec<u8>)>,
}

/// A stream's password hash, new or to be deleted.
#[derive(Clone, Debug)]
pub struct CredentialChange {
    /// The stream.
    pub stream: StreamId,
    /// The hash; `None` deletes it.
    pub hash: Option<String>,
}

/// A request with an idempotency key, to be remembered.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// Who asked: kind and id of the actor.
    pub actor: String,
    /// Through which route.
    pub route: String,
    /// HMAC of the key.
    pub key: [u8; 32],
    /// HMAC of the request.
    pub request: [u8; 32],
    /// The stream it is about.
    pub stream: StreamId,
    /// That stream's sequence after it.
    pub sequence: Sequence,
    /// Status of the answer.
    pub status: u16,
}
