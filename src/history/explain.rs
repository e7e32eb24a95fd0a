//! What became of a request: the command it asked for, the events or the refusal, where the events are
//! in the topic, and whether the views hold them.
//!
//! Everything here is ids, positions and times. It is found by the id that every answer carries: the
//! header `Ledger-Request-Id`, and SHOPLINE's `traceId`. A caller who sends a `traceparent` gives that
//! id to several requests, so one id may name more than one command.

mod find;
mod text;

use events::ids::{Position, RequestId, Sequence, StreamId};
use jiff::Timestamp;
use serde::Serialize;

pub use self::find::{Error, Kafka, find};

/// All that is known of a request.
#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    /// Its id.
    pub request: RequestId,
    /// What it asked for and got, in order; as many as requests shared the id.
    pub commands: Vec<Command>,
    /// What it was refused, in order.
    pub refusals: Vec<Refusal>,
    /// Whether more events or refusals have the id than are told: these are the first.
    pub is_cut: bool,
    /// How far the projections are.
    pub projections: Vec<Reached>,
}

/// Who asked, and through which door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// When it was done or refused.
    pub time: Timestamp,
    /// Who asked.
    pub actor: Who,
    /// The contract.
    pub contract: String,
    /// Method and template of the route: which command it was.
    pub route: String,
}

/// Who asked: a pseudonym, as in metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Who {
    /// What kind of caller.
    pub kind: String,
    /// The caller's id.
    pub id: String,
}

/// A command that left events.
#[derive(Clone, Debug, Serialize)]
pub struct Command {
    /// By whom.
    #[serde(flatten)]
    pub asked: Asked,
    /// What it left, in order.
    pub events: Vec<Event>,
}

/// A command that was refused.
#[derive(Clone, Debug, Serialize)]
pub struct Refusal {
    /// By whom.
    #[serde(flatten)]
    pub asked: Asked,
    /// Status of the answer.
    pub status: i32,
    /// What kind of refusal.
    pub kind: String,
    /// The fields that were named.
    pub fields: Vec<String>,
}

/// An event, and how far it came.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// Its place in the ledger.
    pub position: Position,
    /// The stream.
    pub stream: StreamId,
    /// `Customer` or `CustomerGroup`.
    pub kind: String,
    /// Its place in the stream.
    pub sequence: Sequence,
    /// Its type.
    #[serde(rename = "event")]
    pub type_name: String,
    /// The version of its payload.
    pub version: String,
    /// Where it is in Kafka.
    pub topic: Topic,
    /// The rows it belongs in.
    pub views: Vec<View>,
}

/// Where an event is in Kafka.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Topic {
    /// It is there.
    Sent {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// Its offset there.
        offset: i64,
        /// When it was sent, by the relay's clock.
        time: Option<Timestamp>,
    },
    /// The relay has not sent it yet.
    Waiting,
    /// It was sent, and the topic does not have it any more.
    Missing,
    /// Kafka was not asked, did not answer, or does not show it yet.
    Unknown {
        /// Why.
        why: &'static str,
    },
}

/// A row of a view that an event belongs in. When a row was written is not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct View {
    /// The table.
    pub table: &'static str,
    /// The last sequence that the row holds; none when there is no row.
    pub sequence: Option<Sequence>,
    /// Whether the row holds the event.
    pub holds: bool,
}

/// How far a projection is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// Its name.
    pub projection: &'static str,
    /// Up to which position it holds everything.
    pub watermark: Position,
    /// The ledger's last position.
    pub head: Position,
}

impl Explained {
    /// The one JSON document that `--json` prints and HTTP answers; `docs/history.md` describes it.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts, numbers and times always serialise")
    }
}
