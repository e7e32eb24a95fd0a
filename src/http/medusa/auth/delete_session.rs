//! `DELETE /admin/auth`.

use axum::body::Body;
use axum::response::Response;
use express::etag::etag;

use crate::contracts::medusa::error::{ApiError, CROSS_ORIGIN, POWERED_BY, TEXT};
use crate::http::medusa::call::Call;
use crate::http::medusa::proof::session;
use crate::http::medusa::response::put;

/// Ends the session of the cookie, whatever the proof was.
pub(in crate::http) async fn handle(call: &Call<'_>) -> Result<Response, ApiError> {
    if let Some(session) = session(&call.parts.headers) {
        call.api.auth.end_session(&session).await?;
    }
    let body = "OK";
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    put(headers, [POWERED_BY]);
    put(headers, CROSS_ORIGIN);
    put(headers, [("content-type", TEXT)]);
    put(headers, [("etag", etag(body.as_bytes()).as_str())]);
    Ok(response)
}
