//! Why a rebuild did not happen.

use events::ids::{Position, StreamId};

use crate::event_store::StoreError;

/// Why there is no rebuild.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not answer.
    #[error("the tables could not be read or written")]
    Database(#[from] sqlx::Error),
    /// A record does not open or decode.
    #[error(transparent)]
    Read(#[from] StoreError),
    /// The store lacks what is between.
    #[error(
        "the record at position {position} does not follow the one before it in stream {stream}"
    )]
    Incomplete {
        /// The record's position.
        position: Position,
        /// Its stream.
        stream: StreamId,
    },
    /// Another rebuild of this projection runs.
    #[error("another rebuild of {0} is running: wait for its end, or end it")]
    Busy(&'static str),
    /// Another session wrote to the tables of this rebuild.
    #[error("somebody else changed the tables of this rebuild: nothing was switched")]
    Disturbed,
    /// A migration came in between.
    #[error(
        "the tables of {0} have another shape than the live ones: a migration came in between. \
         Nothing was switched: `ledger rebuild {0}` makes them anew"
    )]
    Shape(&'static str),
    /// The live tables are never free.
    #[error(
        "the live tables of {0} were in use for five minutes on end, by a long query or a backup: \
         nothing was switched"
    )]
    Held(&'static str),
    /// Asked to go back before any switch, or after `--forget`.
    #[error("no replaced tables of {0} are kept: there is nothing to go back to")]
    NothingKept(&'static str),
    /// A worker panicked.
    #[error("a worker failed")]
    Worker(#[from] tokio::task::JoinError),
    /// The outcome could not be told.
    #[error("the outcome could not be printed")]
    Tell(#[from] std::io::Error),
}
