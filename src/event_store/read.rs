//! Reading: records, streams, views by id, and the past.

pub mod as_of;
mod load;
mod read_by_id;
pub mod reader;
pub(in crate::event_store) mod snapshots;
