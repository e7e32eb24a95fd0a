//! What the store fails with: lost, unknown, corrupt, unavailable.

use std::sync::Arc;

use events::ids::{Position, StreamId};
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

use super::keys::keyring::KeyError;

/// Why something could not be read or appended.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// It was restored, or failed over to a copy that lagged: it lacks a record that this process has
    /// seen. Nothing is appended to it.
    #[error("the store went back behind what was seen of it")]
    Lost,
    /// The answer to an append was lost or not understood.
    #[error("it is unknown whether the append stands")]
    Unknown(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// A stored row cannot be read. Trying again does not help.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// Postgres did not answer, or reported an error. Nothing was appended.
    #[error("the store is unavailable")]
    Unavailable(#[source] Arc<sqlx::Error>),
}

/// A stored row that cannot be read, with its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Corrupt {
    /// A record is not what its type and version say.
    #[error("the record at position {position} is not a {event_type}: {what}")]
    Record {
        /// The record's position.
        position: Position,
        /// Its type name.
        event_type: String,
        /// What is wrong; never a value.
        what: &'static str,
    },
    /// A sealed value of a record was changed, moved, or sealed under another key.
    #[error("the record at position {position} does not open")]
    SealedRecord {
        /// The record's position.
        position: Position,
        /// Why.
        #[source]
        source: KeyError,
    },
    /// The stored key of a stream was changed, or wrapped by another master key.
    #[error("the key of stream {stream} does not open")]
    StreamKey {
        /// The stream.
        stream: StreamId,
        /// Why.
        #[source]
        source: KeyError,
    },
    /// An erased stream was to be appended to.
    #[error("stream {stream} has no key to seal an event under")]
    NoStreamKey {
        /// The stream.
        stream: StreamId,
    },
    /// A view is not what its table says. A rebuild repairs it.
    #[error("the stored view of {stream} cannot be read")]
    View {
        /// The stream.
        stream: StreamId,
    },
    /// The reason that was given for an access was changed, moved, or sealed under another key.
    #[error("the reason for an access to stream {stream} does not open")]
    AccessReason {
        /// The stream.
        stream: StreamId,
        /// Why.
        #[source]
        source: KeyError,
    },
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable(Arc::new(error))
    }
}

impl StoreError {
    /// The append may stand.
    pub(super) fn unknown(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unknown(Arc::new(cause))
    }

    /// What an error of the call of `append` means. Only after an error that Postgres reported and that
    /// did not end the session, the transaction was rolled back for certain.
    pub(super) fn of_append(error: sqlx::Error) -> Self {
        let reported = error
            .as_database_error()
            .and_then(<dyn DatabaseError>::try_downcast_ref::<PgDatabaseError>);
        if reported.is_some_and(|error| matches!(error.severity(), PgSeverity::Error)) {
            Self::Unavailable(Arc::new(error))
        } else {
            Self::unknown(error)
        }
    }
}
