//! `GET customers/{id}/orders.json`.

use projections::shopline::render_orders;

use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::orders;
use crate::contracts::shopline::path::MatchedPath;
use crate::contracts::shopline::query::Query;
use crate::http::shopline::call::Call;

/// Shows a customer's orders, of which the ledger knows none yet.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    found: &MatchedPath,
) -> Result<String, ApiError> {
    orders::check(&Query::parse(call.query))?;
    call.shown(found.customer_id()?).await?;
    Ok(render_orders())
}
