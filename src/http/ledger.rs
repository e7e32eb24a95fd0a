//! The ledger's own API.

mod history;
mod projections;
mod requests;

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;

use self::history::Parameters;
pub(super) use self::history::{blame, diff, log};
pub(super) use self::projections::projections;
pub(super) use self::requests::request;
use super::request::RequestId;
use super::{Api, json as answer};
use crate::auth::LedgerToken;
use crate::event_store::past::Found;
use crate::event_store::reader::ReadError;
use crate::questions::Error;

/// Scope of ids, positions and pseudonyms.
const READ: &str = "ledger:read";
/// Scope of personal data; each use is written to the access log.
const OPEN: &str = "ledger:open";

/// `GET /ledger/customers/{id}`: a customer's ids, and where its stream stands: scope `ledger:read`.
/// With `shape`, the customer in a shop's words, now or `as_of`: scope `ledger:open`. `id` is any id
/// that either shop or the ledger knows.
pub(super) async fn customer(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    let request = Asked::new(&api, &headers, id, query);
    let answered = if request.query.as_deref().unwrap_or_default().is_empty() {
        request.ids().await
    } else {
        request.show().await
    };
    request.answer(answered)
}

/// A request to the ledger's own API, about what an id names.
struct Asked<'a> {
    api: &'a Api,
    headers: &'a HeaderMap,
    request_id: RequestId,
    id: Option<String>,
    query: Option<String>,
}

/// Why a request is not answered: a status, and one sentence.
struct Problem(StatusCode, String);

impl<'a> Asked<'a> {
    fn new(
        api: &'a Api,
        headers: &'a HeaderMap,
        id: Result<Path<String>, PathRejection>,
        query: Option<String>,
    ) -> Self {
        Self {
            api,
            headers,
            request_id: RequestId::of(headers),
            id: id.ok().map(|Path(id)| id),
            query,
        }
    }

    /// No customer has an id that is not text.
    fn id(&self) -> Result<&str, Problem> {
        Ok(self.id.as_deref().ok_or(Error::Unknown)?)
    }

    fn parameters(&self, known: &[&str]) -> Result<Parameters, Problem> {
        Parameters::parse(self.query.as_deref().unwrap_or_default(), known)
    }

    async fn ids(&self) -> Result<String, Problem> {
        let token = self.authorize(READ).await?;
        let Found {
            stream,
            medusa,
            shopline,
            sequence,
            position,
            head,
        } = self.questions(&token, None).find(self.id()?).await?;
        let ids = json!({ "ledger": stream, "medusa": medusa, "shopline": shopline });
        let body = json!({ "ids": ids, "sequence": sequence, "position": position, "head": head });
        Ok(body.to_string())
    }

    /// Lets in the holder of a ledger token with a scope.
    async fn authorize(&self, scope: &str) -> Result<Arc<LedgerToken>, Problem> {
        let token = self
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let unauthorized = || {
            let sentence = "a ledger token is needed: Authorization: Bearer";
            Problem(StatusCode::UNAUTHORIZED, sentence.to_owned())
        };
        let token = self
            .api
            .auth
            .ledger_token(token.ok_or_else(unauthorized)?)
            .await
            .map_err(Error::from)?
            .ok_or_else(unauthorized)?;
        if token.scopes.iter().any(|held| held == scope) {
            Ok(token)
        } else {
            let sentence = format!("the token lacks the scope {scope}, which this needs");
            Err(Problem(StatusCode::FORBIDDEN, sentence))
        }
    }

    fn answer(&self, answered: Result<String, Problem>) -> Response {
        let mut response = match answered {
            Ok(body) => answer(StatusCode::OK, body),
            Err(problem) => problem.response(),
        };
        self.request_id.put(response.headers_mut());
        response
    }
}

impl Problem {
    /// Source: RFC 9457.
    fn response(self) -> Response {
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

impl From<&ReadError> for Problem {
    fn from(error: &ReadError) -> Self {
        let (status, sentence) = match error {
            ReadError::Database(error) => return error.into(),
            ReadError::View { .. } | ReadError::Key { .. } | ReadError::Malformed { .. } => {
                tracing::error!(error = %error, "the ledger could not be read");
                let sentence = "the ledger's records of this customer cannot be read";
                (StatusCode::INTERNAL_SERVER_ERROR, sentence)
            }
        };
        Self(status, sentence.to_owned())
    }
}

impl From<&sqlx::Error> for Problem {
    fn from(error: &sqlx::Error) -> Self {
        tracing::warn!(error = %error, "the database could not be used");
        let sentence = "the store cannot be read at the moment";
        Self(StatusCode::SERVICE_UNAVAILABLE, sentence.to_owned())
    }
}
