//! From what the store answers to what SHOPLINE says: the one place where the two meet.
//!
//! SHOPLINE's words are in [`crate::contracts::shopline::error`].

use std::sync::Arc;

use crate::contracts::shopline::error::ApiError;
use crate::domain::claims::{EMAIL, EMAIL_ACCOUNT, EMAIL_GUEST, PHONE};
use crate::domain::customer::Refusal;
use crate::event_store::append::Conflict;
use crate::event_store::{ExecuteError, StoreError};
use crate::http::request::HeaderRefused;

impl From<ExecuteError<Refusal>> for ApiError {
    fn from(error: ExecuteError<Refusal>) -> Self {
        match error {
            ExecuteError::Refused(refusal) => refusal.into(),
            ExecuteError::Conflicts(conflicts) => conflict(&conflicts),
            ExecuteError::KeyReused => Self::IdempotencyKeyReused,
            ExecuteError::Contended => Self::Unavailable,
            ExecuteError::Read(error) => error.into(),
            ExecuteError::Append(error) => {
                tracing::warn!(error = %error, "a command was not appended");
                Self::Unavailable
            }
        }
    }
}

/// What the store has against a command: the first reason that SHOPLINE knows.
fn conflict(conflicts: &[Conflict]) -> ApiError {
    let taken = conflicts.iter().find_map(|conflict| match conflict {
        Conflict::Claimed(kind) | Conflict::Marked(kind) => match kind.as_str() {
            EMAIL | EMAIL_ACCOUNT | EMAIL_GUEST => Some(ApiError::EmailTaken),
            PHONE => Some(ApiError::PhoneTaken),
            _ => None,
        },
        Conflict::GroupUnknown(_) => None,
    });
    taken.unwrap_or(ApiError::Internal)
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(error) => error.into(),
            StoreError::Corrupt(_) | StoreError::Lost | StoreError::Unknown(_) => {
                tracing::error!(error = %error, "the ledger could not be read");
                Self::Internal
            }
        }
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        unavailable(&error)
    }
}

impl From<Arc<sqlx::Error>> for ApiError {
    fn from(error: Arc<sqlx::Error>) -> Self {
        unavailable(&error)
    }
}

impl From<HeaderRefused> for ApiError {
    fn from(refused: HeaderRefused) -> Self {
        Self::Header(refused.to_string())
    }
}

fn unavailable(error: &sqlx::Error) -> ApiError {
    tracing::warn!(error = %error, "the database could not be used");
    ApiError::Unavailable
}
