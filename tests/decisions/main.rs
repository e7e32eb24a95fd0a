//! What the ledger decides, given what happened: events, a command, then events or a refusal.

#[cfg(test)]
mod customer;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod group;
