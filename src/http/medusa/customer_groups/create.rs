//! `POST /admin/customer-groups`.

use axum::http::StatusCode;
use express::json::Document;
use projections::medusa::render_group_created;

use super::group_as_of;
use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::group::parse_create;
use crate::contracts::medusa::refusal::Asked;
use crate::domain::group::{Command, CustomerGroup};
use crate::event_store::new_ids;
use crate::http::medusa::call::{Answered, Call};
use crate::http::medusa::error::not_done;

/// Creates a group.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    document: Document,
) -> Result<Answered, ApiError> {
    let request = call.request("POST /admin/customer-groups", &document, StatusCode::OK)?;
    let create = parse_create(document)?;
    let (stream, medusa_id) = new_ids::new_group();
    let command = Command::Create {
        medusa_id,
        name: create.name.clone(),
        metadata: create.metadata,
    };
    let asked = Asked::CreateGroup { name: &create.name };
    let ledger = &call.api.ledger;
    let outcome = ledger
        .execute::<CustomerGroup>(&stream, command, &request)
        .await
        .map_err(|error| not_done(error, &asked))?;
    let group = group_as_of(call, outcome).await?;
    let body = render_group_created(&group, create.metadata_given);
    Ok(Answered::ok(body))
}
