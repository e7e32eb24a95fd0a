//! Streams in memory: what keeps them fresh, and what is known of the store while they are used.

pub(crate) mod freshness;
pub(crate) mod high_water_mark;
pub(in crate::event_store) mod stream_locks;
pub mod tail;
