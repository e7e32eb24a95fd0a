//! Why a question to the past has no answer.

use events::ids::Position;
use jiff::Timestamp;

use super::{NoTime, ShapeError};
use crate::event_store::StoreError;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No customer and no group has the id.
    #[error(
        "no customer or group has or had this id: give one of Medusa (cus_…, cgrp_…), of SHOPLINE (ten \
         digits) or of the ledger (26 letters and digits)"
    )]
    Unknown,
    /// A group has it.
    #[error("this is a group's id, and a customer's is needed")]
    Group,
    /// Several have it.
    #[error("several customers have this id: write medusa:ID, shopline:ID or ledger:ID")]
    Ambiguous,
    /// A point in time cannot be read.
    #[error(transparent)]
    Time(#[from] NoTime),
    /// It has not come so far.
    #[error("the ledger has not come to this position: its last is {head}")]
    BeyondHead {
        /// The last position.
        head: Position,
    },
    /// There was no such customer or group yet.
    #[error("it was not there yet: it was created at position {position}, {time}")]
    BeforeBirth {
        /// Where it begins.
        position: Position,
        /// When.
        time: Timestamp,
    },
    /// There was no such customer or group any more.
    #[error("it was deleted at position {position}, {time}: ask as of an earlier time")]
    Deleted {
        /// Where it ended.
        position: Position,
        /// When.
        time: Timestamp,
    },
    /// Nothing can be opened.
    #[error("the customer's personal data was erased: only the log is left")]
    Erased,
    /// The points in time are in the wrong order.
    #[error(
        "the first point in time ({from}) is after the second ({to}): give the earlier one first"
    )]
    Reversed {
        /// The first's position.
        from: Position,
        /// The second's position.
        to: Position,
    },
    /// A document cannot be shown so.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// What should be a pointer is none.
    #[error(
        "this is no JSON Pointer: write one like /addresses/0/zip, with ~1 for a slash and ~0 for ~"
    )]
    NotAPointer,
    /// A pointer leads nowhere.
    #[error("nothing stands at this pointer then: without a pointer, blame lists all there are")]
    NothingThere,
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] StoreError),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Read(error.into())
    }
}
