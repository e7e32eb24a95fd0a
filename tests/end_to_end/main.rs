//! Through the front door: the ledger on a real Postgres and a real Kafka.
//!
//! `./dev test` brings both. Each test has a database and a topic of its own, waits for conditions
//! and never sleeps; `support/` says how. The folders are those of `src/`;
//! beside them are the tests of the whole.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod auth;
mod cli;
mod config;
mod database;
mod event_store;
mod history;
mod http;
mod kafka;
mod kill;
mod main_job;
mod rebuild;
mod shapes;
mod support;
