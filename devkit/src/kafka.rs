//! A real Kafka and what is in it.

pub mod node;
pub mod topic;
