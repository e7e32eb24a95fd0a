//! Who asks, by what the request proves.

use axum::http::{HeaderMap, header};
use events::record::Actor;
use express::cookie::{self, SignedId};

use crate::contracts::medusa::error::ApiError;
use crate::http::api::Api;
use crate::http::request::now;

/// The session's cookie, the bearer token and the api token, tried in this order: one that is good is
/// enough, whatever the others are. Source: case `auth-bad-bearer-good-api-token`.
pub(super) async fn who_asks(api: &Api, headers: &HeaderMap) -> Result<Actor, ApiError> {
    if let Some(session) = session(headers)
        && let Some(actor) = api.auth.medusa_session(&session).await?
    {
        return Ok(actor);
    }
    if let Some(authorization) = text(headers, header::AUTHORIZATION.as_str())
        && let Some(actor) = api.auth.medusa_bearer(authorization, now())
    {
        return Ok(actor);
    }
    let token = text(headers, "x-medusa-access-token").unwrap_or_default();
    let actor = api.auth.medusa_api_token(token).await?;
    actor.ok_or(ApiError::Unauthorized)
}

/// The session that the cookies name. Node joins several headers into one.
pub(super) fn session(headers: &HeaderMap) -> Option<SignedId> {
    let cookies: Vec<_> = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    cookie::parse(&cookies.join("; "))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
