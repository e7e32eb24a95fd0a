//! Through the front door: the ledger on a real Postgres and a real Kafka.
//!
//! `./dev test` brings both. Each test has a database and a topic of its own, waits for conditions
//! and never sleeps; `support/` says how.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod access_log;
mod bisect;
mod broker;
mod configuration;
#[path = "../conformance/conformance.rs"]
mod conformance;
mod database;
mod dev_environment;
mod explain;
mod fixture;
mod history;
mod hostile;
mod idempotency;
mod kill;
mod main_job;
mod medusa_own;
mod official_clients;
mod pipeline;
mod projector;
mod readiness;
mod rebuild;
mod relay;
mod replay;
mod restore;
mod shapes;
mod shopline;
mod store;
mod support;
mod unstalled;
