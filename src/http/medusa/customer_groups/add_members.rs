//! `POST /admin/customer-groups/{id}/customers/batch`.

use axum::http::StatusCode;
use express::json::Document;
use projections::medusa::render_no_group;

use super::change_members::change_members;
use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::members::parse_add;
use crate::domain::customer::Command;
use crate::http::medusa::call::{Answered, Call};

/// Has customers join a group.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    id: &str,
    document: Document,
) -> Result<Answered, ApiError> {
    let route = "POST /admin/customer-groups/{id}/customers/batch";
    let request = call.request(route, &document, StatusCode::OK)?;
    let asked = parse_add(document)?;
    let is_empty = asked.is_empty();
    let join = |group| Command::JoinGroup { group };
    match change_members(call, id, asked, join, &request).await {
        // Medusa finds out about the group by its members.
        Err(ApiError::GroupUnknown { id: _ }) if is_empty => Ok(Answered::ok(render_no_group())),
        answered => answered,
    }
}
