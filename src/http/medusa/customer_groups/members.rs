//! `GET /admin/customer-groups/{id}/customers`.

use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::list::parse_members;
use crate::http::medusa::call::{Answered, Call};
use crate::http::medusa::customers::list::list;

/// Shows a page of a group's customers. A group that there is not has none.
pub(in crate::http) async fn handle(call: &Call<'_>, group: &str) -> Result<Answered, ApiError> {
    list(call, parse_members(call.query(), group)?).await
}
