//! Questions to the past: what a customer was, when it changed, and by which event. Pure, over records
//! that were read and opened.
//!
//! A customer's history is its own stream, and of each group what happened to that group while the
//! customer was in it. [`State`] folds it with the projections' own `apply`, and [`Shape`] renders it
//! with their own `render`: a document of the past is what the contract's GET answered then, byte for
//! byte. [`as_of`] reads the records through [`crate::event_store`].

pub mod access_log;
mod as_of;
pub mod bisect;
pub mod blame;
pub(crate) mod cause;
pub mod changes;
pub mod diff;
mod error;
pub mod explain;
pub mod find;
pub mod fixture;
mod fold;
pub mod fold_protocol;
pub mod questions;
pub mod refusals;
pub mod replay;
pub mod shape;
mod state;
#[cfg(test)]
pub(crate) mod told;
mod when;

use serde_json::Value;

pub use self::error::Error;
pub use self::fold::History;
pub use self::shape::{Shape, ShapeError};
pub use self::state::{Entry, State};
pub use self::when::{NoTime, When};

/// A document as a value; null where there is none.
pub fn parsed(document: Option<&str>) -> Value {
    document.map_or(Value::Null, |text| {
        serde_json::from_str(text).expect("a projection renders JSON")
    })
}
