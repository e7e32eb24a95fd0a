//! Why a request to the ledger's own API is not answered.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;

use crate::event_store::StoreError;
use crate::history::Error;
use crate::http::request::HeaderRefused;
use crate::http::response::json as answer;

/// Why a request is not answered: a status, and one sentence.
pub(super) struct Problem(pub(super) StatusCode, pub(super) String);

impl Problem {
    pub(super) fn late() -> Self {
        let sentence = "the answer took too long: ask for less, or again later";
        Self(StatusCode::SERVICE_UNAVAILABLE, sentence.to_owned())
    }

    fn unread() -> Self {
        let sentence = "the ledger's records of this customer cannot be read";
        Self(StatusCode::INTERNAL_SERVER_ERROR, sentence.to_owned())
    }

    /// Source: RFC 9457.
    pub(super) fn response(self) -> Response {
        let Self(status, title) = self;
        let body = json!({ "title": title, "status": status.as_u16() });
        let mut response = answer(status, body.to_string());
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Unknown
            | Error::Group
            | Error::BeforeBirth { .. }
            | Error::Deleted { .. }
            | Error::NothingThere => StatusCode::NOT_FOUND,
            Error::Erased => StatusCode::GONE,
            Error::Ambiguous
            | Error::Time(_)
            | Error::BeyondHead { .. }
            | Error::Reversed { .. }
            | Error::Shape(_)
            | Error::NotAPointer => StatusCode::BAD_REQUEST,
            Error::Read(error) => return error.into(),
        };
        Self(status, error.to_string())
    }
}

impl From<&StoreError> for Problem {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Unavailable(error) => error.as_ref().into(),
            StoreError::Corrupt(_) | StoreError::Lost | StoreError::Unknown(_) => {
                tracing::error!(error = %error, "the ledger could not be read");
                Self::unread()
            }
        }
    }
}

impl From<&sqlx::Error> for Problem {
    fn from(error: &sqlx::Error) -> Self {
        tracing::warn!(error = %error, "the database could not be used");
        let sentence = "the store cannot be read at the moment";
        Self(StatusCode::SERVICE_UNAVAILABLE, sentence.to_owned())
    }
}

impl From<HeaderRefused> for Problem {
    fn from(refused: HeaderRefused) -> Self {
        bad(refused.to_string())
    }
}

/// A request that asks for what cannot be.
pub(super) fn bad(sentence: impl Into<String>) -> Problem {
    Problem(StatusCode::BAD_REQUEST, sentence.into())
}
