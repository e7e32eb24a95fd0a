//! `POST customers.json`.

use axum::body::Body;
use projections::shopline::render_created;

use crate::contracts::shopline::customer::parse_create;
use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::path::MatchedPath;
use crate::domain::customer::Command;
use crate::event_store::new_ids;
use crate::http::shopline::call::Call;

/// Creates a customer.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    found: &MatchedPath,
    body: Body,
) -> Result<String, ApiError> {
    let body = call.body(body).await?;
    let (stream, ids) = new_ids::new_customer(&call.api.ledger.pool).await?;
    let create = parse_create(&body, &call.reading(found))?;
    let create = create.into_command(found.version.rules, ids, new_ids::new_address);
    let command = Command::Create(Box::new(create));
    let done = call.execute(&stream, command, &body).await?;
    let (store, version) = (&call.api.store, found.version.shown);
    Ok(render_created(&done.views.shopline, store, version))
}
