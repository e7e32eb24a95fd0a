//! What `ledger dev`, `ledger bench` and the tests run beside the ledger: a private Postgres and an
//! embedded Kafka broker.
//!
//! Both belong to the process that started them and end with it, whatever ends it; nothing outside
//! their own directory and two loopback ports is touched.

pub mod broker;
pub mod postgres;
