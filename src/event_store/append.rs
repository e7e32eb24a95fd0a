//! Writing: commands in flight, combined into one call of the SQL function `append`.

mod batch;
pub mod combiner;
mod writer;
