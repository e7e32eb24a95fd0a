//! `POST customer_tags_remove.json`.

use axum::body::Body;
use projections::shopline::render_nothing;

use crate::contracts::shopline::customer::parse_remove_tags;
use crate::contracts::shopline::error::ApiError;
use crate::domain::customer::Command;
use crate::http::shopline::call::Call;

/// Takes tags from a customer.
pub(in crate::http) async fn handle(call: &Call<'_>, body: Body) -> Result<String, ApiError> {
    let body = call.body(body).await?;
    let (customer, tags) = parse_remove_tags(&body)?;
    let stream = call.stream(&customer).await?;
    let command = Command::RemoveTags(tags);
    call.execute(&stream, command, &body).await?;
    Ok(render_nothing())
}
