//! The customer ledger: see README.md and docs/architecture.md.

pub mod claims;
pub mod customer;
pub mod dev;
pub mod event_store;
pub mod group;
pub mod kafka;
pub mod migrations;
pub mod projector;
pub mod relay;
