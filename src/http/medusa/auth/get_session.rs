//! `GET /admin/auth`.

use axum::response::Response;

use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::user;
use crate::http::medusa::call::{Answered, Call};
use crate::http::medusa::response::success;

/// The person who asks.
pub(in crate::http) async fn handle(call: &Call<'_>) -> Result<Response, ApiError> {
    let user = call.api.auth.medusa_user(&call.actor.id).await?;
    let body = user::render(&user.ok_or(ApiError::UserUnknown)?);
    Ok(success(call.parts, Answered::ok(body)))
}
