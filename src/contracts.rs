//! The shops' own HTTP contracts: a request becomes a command, a refusal the shop's own answer.

pub mod shopline;
