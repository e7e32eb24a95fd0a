//! `DELETE customers/{id}/addresses/{id}.json`.

use projections::shopline::render_nothing;

use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::path::MatchedPath;
use crate::domain::customer::Command;
use crate::http::shopline::call::Call;

/// Deletes an address.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    found: &MatchedPath,
) -> Result<String, ApiError> {
    let ids = vec![found.address_id()?.clone()];
    let stream = call.stream(found.customer_id()?).await?;
    let done = call.execute(&stream, Command::RemoveAddresses(ids), &[]);
    done.await.map_err(ApiError::of_path)?;
    Ok(render_nothing())
}
