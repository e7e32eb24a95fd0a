//! A request to the ledger's own API, and what the endpoints need of it.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use events::ids::RequestId;
use tokio::time::timeout;

use super::parameters::Parameters;
use super::problem::Problem;
use crate::auth::LedgerToken;
use crate::history::Error;
use crate::history::questions::{Asker, Questions};
use crate::http::api::{Api, REQUEST_TIMEOUT};
use crate::http::request::{put_request_id, reason, request_id};
use crate::http::response::json as answer;

/// Scope of ids, positions and pseudonyms.
pub(super) const READ: &str = "ledger:read";
/// Scope of personal data; each use is written to the access log.
pub(super) const OPEN: &str = "ledger:open";

/// A request to the ledger's own API, about what an id names.
pub(in crate::http) struct Asked {
    pub(super) api: Arc<Api>,
    pub(super) headers: HeaderMap,
    pub(super) request_id: RequestId,
    pub(super) id: Option<String>,
    pub(super) query: Option<String>,
}

impl FromRequestParts<Arc<Api>> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Infallible> {
        let id = Path::from_request_parts(parts, api).await;
        Ok(Self {
            api: Arc::clone(api),
            request_id: request_id(&parts.headers),
            headers: parts.headers.clone(),
            id: id.ok().map(|Path(id)| id),
            query: parts.uri.query().map(ToOwned::to_owned),
        })
    }
}

impl Asked {
    /// No customer has an id that is not text.
    pub(super) fn id(&self) -> Result<&str, Problem> {
        Ok(self.id.as_deref().ok_or(Error::Unknown)?)
    }

    pub(super) fn parameters(&self, known: &[&str]) -> Result<Parameters, Problem> {
        Parameters::parse(self.query.as_deref().unwrap_or_default(), known)
    }

    /// Lets in the holder of a ledger token with a scope.
    pub(super) async fn authorize(&self, scope: &str) -> Result<Arc<LedgerToken>, Problem> {
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

    pub(super) async fn answer(
        &self,
        answered: impl Future<Output = Result<String, Problem>> + Send,
    ) -> Response {
        let answered = timeout(REQUEST_TIMEOUT, answered).await;
        let mut response = match answered.unwrap_or_else(|_elapsed| Err(Problem::late())) {
            Ok(body) => answer(StatusCode::OK, body),
            Err(problem) => problem.response(),
        };
        put_request_id(&self.request_id, response.headers_mut());
        response
    }

    /// The same of what may fold a long history.
    pub(super) async fn answer_apart(
        &self,
        answered: impl Future<Output = Result<String, Problem>> + Send,
    ) -> Response {
        self.answer(self.api.apart(answered)).await
    }

    /// Why, in the caller's words.
    pub(super) fn reason(&self) -> Result<Option<String>, Problem> {
        Ok(reason(&self.headers)?)
    }

    /// Questions of the token's holder.
    pub(super) fn questions<'q>(
        &'q self,
        token: &'q LedgerToken,
        reason: Option<&'q str>,
    ) -> Questions<'q> {
        Questions {
            ledger: &self.api.ledger,
            asker: Asker {
                actor: &token.actor,
                request_id: Some(&self.request_id),
                reason,
            },
        }
    }
}
