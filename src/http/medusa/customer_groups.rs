//! `/admin/customer-groups`.

pub(super) mod add_members;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod members;
pub(super) mod remove_members;
pub(super) mod update;

mod change_members;

use projections::medusa::{Fields, Group, Related, Relations, render_group};

use super::call::{Answered, Call};
use super::related::relate;
use crate::contracts::medusa::error::ApiError;
use crate::domain::group::CustomerGroup;
use crate::event_store::Outcome;

/// The group that a request is answered with: as it left it, or its first copy did.
async fn group_as_of(call: &Call<'_>, outcome: Outcome<CustomerGroup>) -> Result<Group, ApiError> {
    let first = match outcome {
        Outcome::Done(done) => return Ok(done.views.clone()),
        Outcome::Repeated(first) => first,
    };
    let ledger = &call.api.ledger;
    let then = ledger.load_until::<CustomerGroup>(&first.stream, first.sequence);
    Ok(then.await?.views)
}

/// The answer that shows a group with its relations.
async fn show(
    call: &Call<'_>,
    group: &Group,
    relations: &Relations,
    fields: Option<&Fields>,
) -> Result<Answered, ApiError> {
    let mut related = Related::default();
    let missing = |related: &Related| related.missing_of_group(group, relations);
    let behind = relate(call, &mut related, missing).await?;
    Ok(Answered {
        behind,
        ..Answered::ok(render_group(group, &related, relations, fields))
    })
}
