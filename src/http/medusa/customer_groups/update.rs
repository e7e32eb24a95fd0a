//! `POST /admin/customer-groups/{id}`.

use axum::http::StatusCode;
use events::ids::MEDUSA_GROUP;
use express::json::Document;
use projections::medusa::Relations;

use super::{group_as_of, show};
use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::group::parse_update;
use crate::contracts::medusa::refusal::Asked;
use crate::domain::group::{Command, CustomerGroup};
use crate::http::medusa::call::{Answered, Call};
use crate::http::medusa::error::not_done;

/// Changes a group.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    id: &str,
    document: Document,
) -> Result<Answered, ApiError> {
    let route = "POST /admin/customer-groups/{id}";
    let mut request = call.request(route, &document, StatusCode::OK)?;
    let mut update = parse_update(document, call.query())?;
    let unknown = || ApiError::GroupUnknown { id: id.to_owned() };
    let stream = call.stream(MEDUSA_GROUP, id).await?.ok_or_else(unknown)?;
    let relations = Relations::of_group(update.expand.as_deref());
    if relations.is_err() {
        // Medusa finds out about the relation when all is written. Here nothing is.
        update.refused = update.refused.or(Some(ApiError::Unknown));
    }
    if update.refused.is_some() {
        // What is refused changes nothing; all that is asked is whether there is such a group.
        (update.name, update.metadata) = (None, None);
        request.idempotency = None;
    }
    let name = update.name.clone().unwrap_or_default();
    let command = Command::Update {
        name: update.name,
        metadata: update.metadata,
    };
    let ledger = &call.api.ledger;
    let outcome = ledger
        .execute::<CustomerGroup>(&stream, command, &request)
        .await
        .map_err(|error| not_done(error, &Asked::UpdateGroup { id, name: &name }))?;
    let group = group_as_of(call, outcome).await?;
    match (update.refused, relations) {
        (None, Ok(relations)) => show(call, &group, &relations, None).await,
        (refused, _) => Err(refused.unwrap_or(ApiError::Unknown)),
    }
}
