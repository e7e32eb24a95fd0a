//! What tests stand on: a database and a topic for each, ledger processes, and how to wait.

pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod customer;
pub(crate) mod kafka;
pub(crate) mod ledger;
pub(crate) mod lists;
pub(crate) mod load;
pub(crate) mod model;
pub(crate) mod postgres;
pub(crate) mod shop;
