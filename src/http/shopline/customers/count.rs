//! `GET customers/v2/count.json`.

use projections::shopline::render_count;
use projections::shopline::table::pages;

use crate::contracts::shopline::error::ApiError;
use crate::http::shopline::call::Call;
use crate::http::shopline::response::Answered;

/// Shows how many customers there are.
pub(in crate::http) async fn handle(call: &Call<'_>) -> Result<Answered, ApiError> {
    let behind = call.behind().await?;
    let mut lists = call.api.lists.acquire().await?;
    let count = pages::count(&mut lists, &call.api.ledger.store).await?;
    Ok(Answered {
        behind,
        ..Answered::ok(render_count(count))
    })
}
