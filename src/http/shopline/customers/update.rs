//! `PUT customers/{id}.json`: one of the two operations the ledger exists for.

use axum::body::Body;
use projections::shopline::render_updated;

use crate::contracts::shopline::customer::parse_update;
use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::path::MatchedPath;
use crate::domain::customer::Command;
use crate::event_store::new_ids;
use crate::http::shopline::call::Call;

/// Changes a customer.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    found: &MatchedPath,
    body: Body,
) -> Result<String, ApiError> {
    let body = call.body(body).await?;
    let update = parse_update(&body, &call.reading(found))?;
    let update = update.into_command(found.version.rules, new_ids::new_address);
    let stream = call.stream(found.customer_id()?).await?;
    let command = Command::Update(Box::new(update));
    let done = call.execute(&stream, command, &body).await?;
    let (store, version) = (&call.api.store, found.version.shown);
    Ok(render_updated(&done.views.shopline, store, version))
}
