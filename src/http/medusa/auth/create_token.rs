//! `POST /admin/auth/token`.

use axum::response::Response;
use express::json::Document;

use super::Visit;
use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::path::Route;
use crate::contracts::medusa::user;
use crate::http::medusa::call::Answered;
use crate::http::medusa::response::success;
use crate::http::request::now;

/// Gives a bearer token to the person with this e-mail and password.
pub(in crate::http) async fn handle(
    visit: &Visit<'_>,
    document: Document,
) -> Result<Response, ApiError> {
    let user = visit.sign_in(&Route::AuthToken, document).await?;
    let token = visit.api.auth.new_medusa_bearer(&user.id, now());
    let body = user::render_token(&token);
    Ok(success(visit.parts, Answered::ok(body)))
}
