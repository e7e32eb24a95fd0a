//! The store through and behind the front door: two processes at once, roles that may not change
//! the past, cqrs-es over the same rows, stale caches, claims that follow from events, tampering,
//! large records, locks.

mod claims;
mod cqrs;
mod guarded;
mod large;
mod locked;
mod members;
mod processes;
mod stale;
mod tampered;
mod unstalled;
