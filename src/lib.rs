//! The customer ledger: see README.md.

pub mod dev;
