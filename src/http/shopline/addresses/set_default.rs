//! `PUT customers/{id}/addresses/{id}/default.json`.

use projections::shopline::render_nothing;

use super::put::put;
use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::path::MatchedPath;
use crate::domain::customer::AddressPatch;
use crate::http::shopline::call::Call;

/// Makes an address the default one.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    found: &MatchedPath,
) -> Result<String, ApiError> {
    let address = AddressPatch {
        shopline_id: Some(found.address_id()?.clone()),
        default: Some(true),
        ..AddressPatch::default()
    };
    put(call, found, address, &[]).await?;
    Ok(render_nothing())
}
