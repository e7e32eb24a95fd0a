//! The customer ledger: see README.md and docs/architecture.md.

pub mod auth;
pub mod cli;
pub mod config;
pub mod contracts;
pub mod database;
pub mod domain;
pub mod event_store;
pub mod history;
pub mod http;
pub mod kafka;
pub mod mutations;
pub mod rebuild;
pub mod serve;
pub mod shutdown;
pub mod telemetry;
