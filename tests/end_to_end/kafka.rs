//! The relay, the projectors, a broker that breaks, and a store that is restored under Kafka.

mod broker;
mod projector;
mod relay;
mod restore;
