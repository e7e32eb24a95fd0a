//! `PUT customers/{id}/addresses/{id}.json`.

use axum::body::Body;

use super::put::put;
use crate::contracts::shopline::address::parse_update;
use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::path::MatchedPath;
use crate::http::shopline::call::Call;

/// Changes an address.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    found: &MatchedPath,
    body: Body,
) -> Result<String, ApiError> {
    let body = call.body(body).await?;
    let address = parse_update(&body, found.address_id()?)?;
    put(call, found, address, &body).await
}
