//! Questions to the past: what a customer was, when it changed, and by which event. Pure, over records
//! that were read and opened.
//!
//! A customer's history is its own stream, and of each group what happened to that group while the
//! customer was in it. [`State`] folds it with the projections' own `apply`, and [`Shape`] renders it
//! with their own `render`: a document of the past is what the contract's GET answered then, byte for
//! byte. What reads the records is [`crate::event_store`].

pub mod diff;
mod fold;
mod shape;

pub use self::fold::{Entry, History, State};
pub use self::shape::{Shape, ShapeError};
