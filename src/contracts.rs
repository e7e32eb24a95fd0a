//! The shops' contracts: a shop's request → a command, a refusal → the shop's own answer. Pure.

pub mod medusa;
