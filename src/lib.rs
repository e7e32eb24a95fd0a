//! The customer ledger: see README.md and docs/architecture.md.

pub mod access;
pub mod auth;
pub mod bench;
pub mod claims;
pub mod config;
pub mod contracts;
pub mod customer;
pub mod database;
pub mod dev;
pub mod event_store;
pub mod group;
pub mod http;
pub mod ids;
pub mod kafka;
pub mod migrations;
pub mod passwords;
pub mod projector;
pub mod proxies;
pub mod refusals;
pub mod relay;
pub mod serve;
pub mod shutdown;
pub mod telemetry;
pub mod tokens;
pub mod users;
