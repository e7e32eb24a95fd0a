//! Writing: commands in flight, combined into one call of the SQL function `append`.

pub mod combiner;
