//! The store: load → decide → append.
//!
//! [`ledger`] is the façade; [`execute`] and [`multi_stream`] carry out commands, [`decision`] and
//! [`prepare`] make of a command what is appended. `append` writes, [`reader`] reads records, `read` reads streams, `cache` holds
//! streams in memory and `keys` seals personal data. Decisions are those of the aggregates
//! ([`crate::domain::customer`], [`crate::domain::group`]) through cqrs-es' `Aggregate`.

pub mod append;
pub mod cache;
pub mod cqrs;
mod decision;
mod error;
pub mod execute;
pub mod keys;
pub mod ledger;
pub(crate) mod multi_stream;
pub mod new_ids;
pub mod point;
mod prepare;
mod read;
pub mod reader;
pub mod stream;

pub use self::error::{Corrupt, StoreError};
pub use self::execute::{ExecuteError, Idempotency, Outcome, Request};
pub use self::ledger::Ledger;
pub use self::multi_stream::MultiStreamRefusal;
pub use self::stream::{Loaded, Stream};

/// How many there are, as sequences and positions count.
fn count<T>(items: &[T]) -> i64 {
    i64::try_from(items.len()).expect("a command has few events")
}
