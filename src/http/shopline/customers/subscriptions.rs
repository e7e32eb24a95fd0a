//! `GET customers/subscribe.json`.

use projections::shopline::render_subscriptions;

use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::query::Query;
use crate::http::shopline::call::Call;

/// Shows what several customers are subscribed to.
pub(in crate::http) async fn handle(call: &Call<'_>) -> Result<String, ApiError> {
    let ids = Query::parse(call.query).required_ids("customer_ids")?;
    let customers = call.all_shown(&ids).await?;
    Ok(render_subscriptions(&customers, &call.api.store))
}
