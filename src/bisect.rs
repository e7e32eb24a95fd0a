//! `ledger bisect`: the first record at which something turned true, or two releases part.

pub mod against;
