//! From what the store answers to what Medusa says: the one place where the two meet.
//!
//! Medusa's words are in [`crate::contracts::medusa::error`], those for the domain's refusals in
//! [`crate::contracts::medusa::refusal`].

use std::sync::Arc;

use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::refusal::Asked;
use crate::domain::claims::{EMAIL_ACCOUNT, EMAIL_GUEST};
use crate::domain::{customer, group};
use crate::event_store::append::Conflict;
use crate::event_store::{ExecuteError, MultiStreamRefusal, StoreError};
use crate::http::request::HeaderRefused;

/// A command that was not done, in Medusa's words for what was asked.
pub(super) fn not_done<R: InWords>(error: ExecuteError<R>, asked: &Asked<'_>) -> ApiError {
    match error {
        ExecuteError::Refused(refusal) => refusal.in_words(asked),
        ExecuteError::Conflicts(conflicts) => conflict(&conflicts, asked),
        ExecuteError::KeyReused => ApiError::KeyReused,
        ExecuteError::Contended => ApiError::Conflict,
        ExecuteError::Read(error) => error.into(),
        ExecuteError::Append(error) => {
            tracing::warn!(error = %error, "a command was not appended");
            ApiError::Unavailable
        }
    }
}

/// A decision's refusal, which Medusa has words for.
pub(super) trait InWords: std::error::Error {
    fn in_words(self, asked: &Asked<'_>) -> ApiError;
}

impl InWords for customer::Refusal {
    fn in_words(self, asked: &Asked<'_>) -> ApiError {
        asked.customer_refused(self)
    }
}

impl InWords for group::Refusal {
    fn in_words(self, asked: &Asked<'_>) -> ApiError {
        asked.group_refused(self)
    }
}

impl InWords for MultiStreamRefusal<group::Refusal, customer::Refusal> {
    fn in_words(self, asked: &Asked<'_>) -> ApiError {
        match self.shown {
            Some(refusal) => asked.group_refused(refusal),
            None => asked.members_refused(self.others.iter().map(|(stream, _)| stream)),
        }
    }
}

/// What the store has against a command. Of several reasons a taken e-mail is told first.
fn conflict(conflicts: &[Conflict], asked: &Asked<'_>) -> ApiError {
    let email = conflicts.iter().find_map(|conflict| match conflict {
        Conflict::Claimed(kind) if kind == EMAIL_ACCOUNT => Some(true),
        Conflict::Claimed(kind) if kind == EMAIL_GUEST => Some(false),
        Conflict::Claimed(_) | Conflict::Marked(_) | Conflict::GroupUnknown(_) => None,
    });
    if let Some(has_account) = email {
        return asked.email_taken(has_account);
    }
    let unknown = conflicts.iter().filter_map(|conflict| match conflict {
        Conflict::GroupUnknown(stream) => Some(stream),
        Conflict::Claimed(_) | Conflict::Marked(_) => None,
    });
    asked.conflict(&unknown.collect::<Vec<_>>())
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(error) => error.into(),
            StoreError::Corrupt(_) | StoreError::Lost | StoreError::Unknown(_) => {
                tracing::error!(error = %error, "the ledger could not be read");
                Self::Unknown
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
