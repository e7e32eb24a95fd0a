//! What a release of the ledger makes of records: the documents of both shops, after each of them.
//!
//! `ledger fold` is how one release asks another, so its input and output never change within a
//! version; `docs/history.md` describes them. It needs no database, no Kafka and no key: lines come in
//! by the standard input, opened, and go out by the standard output.

use events::ids::{Position, StreamId};
use events::opened::OpenedRecord;
use events::record::StreamKind;
use jiff::tz::TimeZone;
use projections::shopline::Store;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::history::shape::Asked;
use crate::history::{Entry, Shape, State};

/// The version of input and output.
pub(crate) const VERSION: u32 = 1;
/// The version of SHOPLINE's contract whose documents are compared: the first that shows everything.
const SHOPLINE_VERSION: &str = "v20230901";

/// A line of the input.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// The first: what documents take from the store.
    Begin(Begin),
    /// What follows is another customer's.
    Customer {
        /// The customer's stream.
        customer: StreamId,
    },
    /// The next record of the customer, or of a group that it is in at some time.
    Record(Box<OpenedRecord>),
}

/// What documents take from the store.
#[derive(Clone, Serialize, Deserialize)]
pub struct Begin {
    /// The version of input and output.
    pub fold: u32,
    /// The IANA name of the time zone of SHOPLINE's times.
    pub time_zone: String,
    /// The store's currency.
    pub currency: String,
}

/// A line of the output, one for each record: the documents right after it. Null is no customer.
#[derive(Serialize, Deserialize)]
pub struct Documents {
    /// The record.
    pub position: Position,
    /// What Medusa's contract shows, with everything that can be expanded.
    pub medusa: Option<Box<RawValue>>,
    /// What SHOPLINE's contract shows.
    pub shopline: Option<Box<RawValue>>,
}

/// What cannot be folded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A line is none.
    #[error("a line of the input is none that this release of the ledger knows")]
    Line,
    /// The input is of another version, or begins otherwise.
    #[error("the input does not begin as version {VERSION} does")]
    Begin,
    /// A record cannot be decoded.
    #[error("the record at position {position} is none that this release knows: {what} is not")]
    Record {
        /// Its position.
        position: Position,
        /// What of it; never a value.
        what: &'static str,
    },
}

/// How a record changes what is known of a customer.
pub(crate) type Apply = fn(&mut State, &Entry) -> bool;

/// Folds the records of one customer after another.
pub struct Folder {
    medusa: Shape,
    shopline: Shape,
    state: State,
    apply: Apply,
}

impl Begin {
    /// The first line for a store.
    pub fn new(store: &Store) -> Self {
        Self {
            fold: VERSION,
            time_zone: store.time_zone.iana_name().unwrap_or("UTC").to_owned(),
            currency: store.currency.clone(),
        }
    }
}

impl Folder {
    /// Begins, without a customer.
    pub fn new(begin: &Begin) -> Result<Self, Error> {
        if begin.fold != VERSION {
            return Err(Error::Begin);
        }
        let store = Store {
            time_zone: TimeZone::get(&begin.time_zone).map_err(|_unknown| Error::Begin)?,
            currency: begin.currency.clone(),
        };
        let whole = |shape, version| {
            let asked = Asked {
                shape: Some(shape),
                version,
                ..Asked::default()
            };
            Shape::parse_whole(asked, &store).expect("this release has both shapes")
        };
        Ok(Self {
            medusa: whole("medusa", None),
            shopline: whole("shopline", Some(SHOPLINE_VERSION)),
            state: State::default(),
            apply: State::apply,
        })
    }

    /// The same with other code: what would it have made of the records?
    #[must_use]
    pub fn with_code(self, apply: Apply) -> Self {
        Self { apply, ..self }
    }

    /// What follows is another customer's.
    pub(crate) fn next_customer(&mut self) {
        self.state = State::default();
    }

    /// Folds the next record: the documents right after it.
    pub fn fold(&mut self, record: OpenedRecord) -> Result<Documents, Error> {
        let position = record.position;
        let entry = match record.kind {
            StreamKind::Customer => record.decode().map(Entry::Customer),
            StreamKind::CustomerGroup => record.decode().map(Entry::Group),
        };
        let entry = entry.map_err(|what| Error::Record { position, what })?;
        (self.apply)(&mut self.state, &entry);
        Ok(Documents {
            position,
            medusa: self.document(&self.medusa),
            shopline: self.document(&self.shopline),
        })
    }

    fn document(&self, shape: &Shape) -> Option<Box<RawValue>> {
        let text = shape.document(&self.state)?;
        Some(RawValue::from_string(text).expect("a projection renders JSON"))
    }
}
