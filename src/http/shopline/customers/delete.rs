//! `DELETE customers/{id}.json`.

use projections::shopline::render_deleted;

use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::path::MatchedPath;
use crate::domain::customer::Command;
use crate::http::shopline::call::Call;

/// Deletes a customer. The answer says what the customer was called until then.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    found: &MatchedPath,
) -> Result<String, ApiError> {
    let stream = call.stream(found.customer_id()?).await?;
    let done = call.execute(&stream, Command::Delete, &[]).await?;
    let before = call.as_of(&done.stream, done.sequence.previous()).await?;
    Ok(render_deleted(&before.views.shopline))
}
