//! The ledger's own API.

pub(super) mod blame;
pub(super) mod customer;
pub(super) mod diff;
pub(super) mod log;
pub(super) mod projections;
pub(super) mod request;

mod asked;
mod parameters;
mod problem;
