//! `POST customers/addresses/list.json`.

use axum::body::Body;
use projections::shopline::render_addresses;

use crate::contracts::shopline::address::parse_list;
use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::path::MatchedPath;
use crate::http::shopline::call::Call;

/// Shows the addresses of several customers.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    found: &MatchedPath,
    body: Body,
) -> Result<String, ApiError> {
    let body = call.body(body).await?;
    let customers = call.all_shown(&parse_list(&body)?).await?;
    Ok(render_addresses(&customers, found.version.shown))
}
