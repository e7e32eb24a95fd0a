//! The customer ledger: see README.md and docs/architecture.md.

pub mod customer;
pub mod dev;
pub mod group;
