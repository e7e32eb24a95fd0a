//! `DELETE /admin/customer-groups/{id}`.

use axum::http::StatusCode;
use events::ids::MEDUSA_GROUP;
use express::json::Document;
use projections::medusa::render_group_deleted;

use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::refusal::Asked;
use crate::domain::group::{Command, CustomerGroup};
use crate::http::medusa::call::{Answered, Call};
use crate::http::medusa::error::not_done;

/// Deletes a group. The members' streams say nothing of it: a group that is gone is shown nowhere.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    id: &str,
    document: &Document,
) -> Result<Answered, ApiError> {
    let route = "DELETE /admin/customer-groups/{id}";
    let request = call.request(route, document, StatusCode::OK)?;
    if let Some(stream) = call.stream(MEDUSA_GROUP, id).await? {
        call.api
            .ledger
            .execute::<CustomerGroup>(&stream, Command::Delete, &request)
            .await
            .map_err(|error| not_done(error, &Asked::DeleteGroup))?;
    }
    Ok(Answered::ok(render_group_deleted(id)))
}
