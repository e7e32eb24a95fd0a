//! `GET customers/{id}/addresses/{id}.json`.

use projections::shopline::render_address;

use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::path::MatchedPath;
use crate::http::shopline::call::Call;

/// Shows an address.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    found: &MatchedPath,
) -> Result<String, ApiError> {
    let customer = call.shown(found.customer_id()?).await?;
    render_address(&customer, found.address_id()?).ok_or(ApiError::NoSuchData)
}
