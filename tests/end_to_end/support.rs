//! What tests stand on: a database and a topic for each, and how to wait.

pub(crate) mod kafka;
pub(crate) mod ledger;
pub(crate) mod postgres;
pub(crate) mod wait;
