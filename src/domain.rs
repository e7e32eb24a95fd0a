//! What a customer and a group are, and what a command makes of them. Pure: no I/O, no clock, no
//! randomness, no shop's JSON.

pub mod claims;
pub mod customer;
pub mod group;
