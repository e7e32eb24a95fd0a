//! Through the front door: the ledger on a real Postgres and a real Kafka.
//!
//! `./dev test` brings both. Each test has a database and a topic of its own, waits for conditions
//! and never sleeps; `support/` says how.

#[path = "../conformance/conformance.rs"]
mod conformance;
mod idempotency;
mod main_job;
mod projector;
mod relay;
mod shapes;
mod shopline;
mod store;
mod support;
