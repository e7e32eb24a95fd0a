//! Through the front door: the ledger on a real Postgres and a real Kafka.
//!
//! `./dev test` brings both. Each test has a database and a topic of its own, waits for conditions
//! and never sleeps; `support/` says how.

// The attribute `cfg(test)` tells clippy that helpers are tests, too.
#[path = "../conformance/conformance.rs"]
mod conformance;
#[cfg(test)]
mod idempotency;
mod main_job;
mod projector;
mod relay;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod shopline;
#[cfg(test)]
mod store;
#[cfg(test)]
mod support;
