//! What runs beside a ledger on a developer's machine, and what asks it: a private Postgres, an
//! embedded Kafka broker, a real Kafka, scratch folders; an HTTP client, a proxy that breaks
//! connections, a reader of topics. It knows nothing of the ledger's types.
//!
//! Every server belongs to the process that started it and ends with it, whatever ends it. Nothing
//! outside its own directory and its loopback ports is touched.

pub mod broker;
#[cfg(feature = "clients")]
pub mod http;
#[cfg(feature = "clients")]
pub mod kafka;
pub mod postgres;
#[cfg(feature = "clients")]
pub mod proxy;
pub mod scratch;
pub mod wait;
