//! The contracts over HTTP, the recorded cases of the shops, their official clients, and clients that
//! are slow or hostile.

#[path = "../conformance/conformance.rs"]
pub(crate) mod conformance;
mod hostile;
mod idempotency;
mod medusa;
mod official_clients;
mod pipeline;
mod readiness;
mod shopline;
