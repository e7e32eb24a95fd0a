//! `POST customers/{id}/addresses.json`.

use axum::body::Body;
use projections::shopline::render_address;

use crate::contracts::shopline::address::{into_command, parse_create};
use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::path::MatchedPath;
use crate::domain::customer::Command;
use crate::event_store::new_ids;
use crate::http::shopline::call::Call;

/// Creates an address, which is then the last one.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    found: &MatchedPath,
    body: Body,
) -> Result<String, ApiError> {
    let body = call.body(body).await?;
    let address = parse_create(&body)?;
    let create = into_command(found.version.rules, address, new_ids::new_address);
    let stream = call.stream(found.customer_id()?).await?;
    let command = Command::Update(Box::new(create));
    let done = call.execute(&stream, command, &body).await?;
    let customer = &done.views.shopline;
    let added = customer.addresses.last().ok_or(ApiError::Internal)?;
    render_address(customer, &added.id).ok_or(ApiError::Internal)
}
