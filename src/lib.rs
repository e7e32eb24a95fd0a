//! The customer ledger: see README.md and docs/architecture.md.

pub mod contracts;
pub mod customer;
pub mod group;
