//! `DELETE /admin/customer-groups/{id}/customers/batch`.

use axum::http::StatusCode;
use express::json::Document;

use super::change_members::change_members;
use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::members::parse_remove;
use crate::domain::customer::Command;
use crate::http::medusa::call::{Answered, Call};

/// Has customers leave a group.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    id: &str,
    document: Document,
) -> Result<Answered, ApiError> {
    let route = "DELETE /admin/customer-groups/{id}/customers/batch";
    let request = call.request(route, &document, StatusCode::OK)?;
    let asked = parse_remove(document)?;
    let leave = |group| Command::LeaveGroup { group };
    change_members(call, id, asked, leave, &request).await
}
