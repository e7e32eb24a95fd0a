//! `GET customers/v2/search.json`.

use super::page::{page, seal};
use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::list::parse_search;
use crate::contracts::shopline::path::MatchedPath;
use crate::contracts::shopline::query::Query;
use crate::http::shopline::call::Call;
use crate::http::shopline::response::Answered;

/// Shows a page of the customers that were searched for.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    found: &MatchedPath,
) -> Result<Answered, ApiError> {
    let query = Query::parse(call.query);
    let zone = &call.api.store.time_zone;
    let request = parse_search(&query, zone, &|text| seal(call, text))?;
    page(call, found, &request).await
}
