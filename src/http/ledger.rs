//! The ledger's own API.

mod history;
mod projections;
mod requests;

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;
use tokio::time::timeout;

use self::history::Parameters;
pub(super) use self::history::{blame, diff, log};
pub(super) use self::projections::projections;
pub(super) use self::requests::request;
use super::request::RequestId;
use super::{Api, REQUEST_TIMEOUT, json as answer};
use crate::auth::LedgerToken;
use crate::event_store::Ledger;
use crate::event_store::StoreError;
use crate::event_store::read::as_of::FoundStream;
use crate::history::questions::{Error, find_customer};

/// Scope of ids, positions and pseudonyms.
const READ: &str = "ledger:read";
/// Scope of personal data; each use is written to the access log.
const OPEN: &str = "ledger:open";

/// `GET /ledger/customers/{id}`: a customer's ids, and where its stream stands: scope `ledger:read`.
/// With `shape`, the customer in a shop's words, now or `as_of`: scope `ledger:open`. `id` is any id
/// that either shop or the ledger knows.
pub(super) async fn customer(request: Asked) -> Response {
    if request.query.as_deref().unwrap_or_default().is_empty() {
        request.answer(request.ids()).await
    } else {
        request.answer_apart(Box::pin(request.show())).await
    }
}

/// A request to the ledger's own API, about what an id names.
pub(super) struct Asked {
    api: Arc<Api>,
    headers: HeaderMap,
    request_id: RequestId,
    id: Option<String>,
    query: Option<String>,
}

impl FromRequestParts<Arc<Api>> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Infallible> {
        let id = Path::from_request_parts(parts, api).await;
        Ok(Self {
            api: Arc::clone(api),
            request_id: RequestId::of(&parts.headers),
            headers: parts.headers.clone(),
            id: id.ok().map(|Path(id)| id),
            query: parts.uri.query().map(ToOwned::to_owned),
        })
    }
}

/// Why a request is not answered: a status, and one sentence.
struct Problem(StatusCode, String);

impl Asked {
    /// No customer has an id that is not text.
    fn id(&self) -> Result<&str, Problem> {
        Ok(self.id.as_deref().ok_or(Error::Unknown)?)
    }

    fn parameters(&self, known: &[&str]) -> Result<Parameters, Problem> {
        Parameters::parse(self.query.as_deref().unwrap_or_default(), known)
    }

    async fn ids(&self) -> Result<String, Problem> {
        self.authorize(READ).await?;
        let Ledger { pool, store, .. } = &*self.api.ledger;
        let FoundStream {
            kind: _,
            stream,
            medusa,
            shopline,
            sequence,
            position,
            head,
        } = find_customer(pool, store, self.id()?).await?;
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

    async fn answer(
        &self,
        answered: impl Future<Output = Result<String, Problem>> + Send,
    ) -> Response {
        let answered = timeout(REQUEST_TIMEOUT, answered).await;
        let mut response = match answered.unwrap_or_else(|_elapsed| Err(Problem::late())) {
            Ok(body) => answer(StatusCode::OK, body),
            Err(problem) => problem.response(),
        };
        self.request_id.put(response.headers_mut());
        response
    }

    /// The same of what may fold a long history.
    async fn answer_apart(
        &self,
        answered: impl Future<Output = Result<String, Problem>> + Send,
    ) -> Response {
        self.answer(self.api.apart(answered)).await
    }
}

impl Problem {
    fn late() -> Self {
        let sentence = "the answer took too long: ask for less, or again later";
        Self(StatusCode::SERVICE_UNAVAILABLE, sentence.to_owned())
    }

    fn unread() -> Self {
        let sentence = "the ledger's records of this customer cannot be read";
        Self(StatusCode::INTERNAL_SERVER_ERROR, sentence.to_owned())
    }

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
