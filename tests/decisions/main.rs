//! What the ledger decides, given what happened: events, a command, then events or a refusal.

mod customer;
mod group;
