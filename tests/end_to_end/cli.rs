//! Commands of the program `ledger`.

mod bisect;
mod dev;
mod fixture;
mod replay;
