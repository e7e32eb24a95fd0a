//! `POST /admin/auth`.

use axum::http::{HeaderValue, header};
use axum::response::Response;
use express::cookie;
use express::json::Document;

use super::Visit;
use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::path::Route;
use crate::contracts::medusa::user;
use crate::http::medusa::call::Answered;
use crate::http::medusa::proof::session;
use crate::http::medusa::response::success;

/// Begins a session for the person with this e-mail and password. Medusa's cookie is `Secure` and is sent over
/// https only; without a cookie there is no session to keep.
/// Source: cases `auth-login-ok-http`, `auth-login-ok-https`.
pub(in crate::http) async fn handle(
    visit: &Visit<'_>,
    document: Document,
) -> Result<Response, ApiError> {
    let user = visit.sign_in(&Route::Auth, document).await?;
    let mut response = success(visit.parts, Answered::ok(user::render(&user)));
    if !visit.caller().is_https {
        return Ok(response);
    }
    let had = session(&visit.parts.headers);
    let begun = visit.api.auth.begin_session(&user.id, had.as_ref()).await?;
    let session = begun.ok_or(ApiError::LoginFailed)?;
    let cookie = cookie::render(&session.id, session.expires_at);
    let cookie = HeaderValue::from_str(&cookie).expect("what is encoded is visible ASCII");
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}
