//! What each shop asks of the ledger, and how it is told no. Pure: values in, values out.

pub mod medusa;
pub mod shopline;
