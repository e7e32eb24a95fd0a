//! A stream as a test fixture: the events of a real customer, for a test without personal data.
//!
//! [`Fixture`] is the document; `docs/history.md` describes it. [`redact()`] takes personal data out of
//! it and leaves what a decision or a view can depend on: which values are the same, and what kind of
//! value each is. Ids stay, which mean something to the merchant's own ledger only.

mod redact;

use events::ids::{Position, StreamId};
use events::record::StreamKind;
use events::{CustomerEvent, catalogue};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::redact::redact;

/// A stream, opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fixture {
    /// The version of this document: 1.
    #[serde(rename = "fixture")]
    pub version: u32,
    /// The stream.
    pub stream: StreamId,
    /// Whether personal data was taken out.
    pub redacted: bool,
    /// What happened, in order.
    pub events: Vec<FixtureEvent>,
}

/// An event as it was written, its personal values open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixtureEvent {
    /// Its place in the ledger.
    pub position: Position,
    /// When it was appended.
    pub time: Timestamp,
    /// The version of the payload: a reader brings it to the newest.
    pub version: String,
    /// The payload.
    pub payload: Value,
}

/// A fixture that cannot be read. Says which event, and never what is in it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unreadable {
    /// It is not a fixture, or one of another version.
    #[error("this is no fixture of version 1")]
    Document,
    /// An event is not what its type and version say.
    #[error("event {0} of the fixture is none of a customer's")]
    Event(usize),
}

impl Fixture {
    /// Which streams there are fixtures of.
    pub const KIND: StreamKind = StreamKind::Customer;
    /// The version of the document.
    pub(crate) const VERSION: u32 = 1;

    /// Reads a document.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        let fixture: Self = serde_json::from_str(text).map_err(|_other| Unreadable::Document)?;
        if fixture.version == Self::VERSION {
            Ok(fixture)
        } else {
            Err(Unreadable::Document)
        }
    }

    /// What happened, each event as the newest version of itself: what a test is given.
    pub fn given(&self) -> Result<Vec<CustomerEvent>, Unreadable> {
        let decode = |(number, event): (usize, &FixtureEvent)| {
            let name = event.payload.get("event").and_then(Value::as_str);
            let name = name.ok_or(Unreadable::Event(number))?;
            let payload = catalogue::upcast(name, &event.version, event.payload.clone());
            serde_json::from_value(payload).map_err(|_unexpected| Unreadable::Event(number))
        };
        (1..).zip(&self.events).map(decode).collect()
    }

    /// The document's text: an event a line, so that two can be compared by line.
    pub fn to_text(&self) -> String {
        let json = |value: &FixtureEvent| {
            serde_json::to_string(value).expect("a JSON value always serialises")
        };
        let events: Vec<String> = self.events.iter().map(json).collect();
        let stream = Value::from(self.stream.as_str());
        format!(
            "{{\"fixture\":{},\"stream\":{stream},\"redacted\":{},\"events\":[\n{}\n]}}\n",
            self.version,
            self.redacted,
            events.join(",\n")
        )
    }
}
