//! `GET /admin/customer-groups/{id}`.

use events::ids::MEDUSA_GROUP;
use projections::medusa::{Fields, Relations};

use super::show;
use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::group::parse_find;
use crate::http::medusa::call::{Answered, Call};

/// Shows a group.
pub(in crate::http) async fn handle(call: &Call<'_>, id: &str) -> Result<Answered, ApiError> {
    let find = parse_find(call.query())?;
    let relations = Relations::of_group(find.expand.as_deref());
    let relations = relations.map_err(|_unknown| ApiError::Unknown)?;
    let fields = find.fields.as_deref().map(Fields::parse).transpose();
    let fields = fields.map_err(|_unknown| ApiError::Unknown)?;
    let unknown = || ApiError::GroupUnknown { id: id.to_owned() };
    let stream = call.stream(MEDUSA_GROUP, id).await?.ok_or_else(unknown)?;
    let groups = call.api.ledger.medusa_groups(&[stream]).await?;
    let group = groups.into_iter().find(|group| !group.deleted);
    let group = group.ok_or_else(unknown)?;
    show(call, &group, &relations, fields.as_ref()).await
}
