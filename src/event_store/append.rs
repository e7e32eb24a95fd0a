//! Writing: commands in flight, combined into one call of the SQL function `append`.

mod batch;
mod call;
pub mod combiner;
mod command;
mod rows;
mod verdict;
mod writer;

pub use self::call::append;
pub use self::command::{
    Append, ClaimChange, CredentialChange, KeyChange, MarkChange, NewEvent, NewRequest,
};
pub use self::verdict::{Conflict, FirstRequest, Verdict};
