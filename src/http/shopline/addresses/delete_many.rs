//! `PUT customers/{id}/addresses/set.json`.

use projections::shopline::render_nothing;

use crate::contracts::shopline::address::parse_destroy;
use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::path::MatchedPath;
use crate::contracts::shopline::query::Query;
use crate::domain::customer::Command;
use crate::http::shopline::call::Call;

/// Deletes addresses: all of them or none.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    found: &MatchedPath,
) -> Result<String, ApiError> {
    let ids = parse_destroy(&Query::parse(call.query))?;
    let stream = call.stream(found.customer_id()?).await?;
    let command = Command::RemoveAddresses(ids);
    call.execute(&stream, command, &[]).await?;
    Ok(render_nothing())
}
