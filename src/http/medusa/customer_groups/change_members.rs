//! Members of a group, many at once: all of a request's come or go, or none does.

use std::collections::HashSet;

use events::ids::{MEDUSA_CUSTOMER, MEDUSA_GROUP, MedusaId, StreamId};
use projections::medusa::{Related, Relations, render_group};

use super::group_as_of;
use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::refusal::Asked;
use crate::domain::customer::{Command, Customer};
use crate::domain::group::{self, CustomerGroup};
use crate::event_store::Request;
use crate::http::medusa::call::{Answered, Call};
use crate::http::medusa::error::not_done;

/// Gives each customer the command that `command` makes of the group's stream.
pub(super) async fn change_members(
    call: &Call<'_>,
    id: &str,
    asked: Vec<MedusaId>,
    command: impl Fn(StreamId) -> Command,
    request: &Request,
) -> Result<Answered, ApiError> {
    let ledger = &call.api.ledger;
    let unknown = || ApiError::GroupUnknown { id: id.to_owned() };
    let group = call.stream(MEDUSA_GROUP, id).await?.ok_or_else(unknown)?;
    let streams = call.streams(MEDUSA_CUSTOMER, &asked).await?;
    let customers: Vec<_> = asked.into_iter().zip(streams).collect();
    let mut named = HashSet::new();
    let commands = customers
        .iter()
        .filter(|(_, stream)| named.insert(stream))
        .map(|(_, stream)| (stream.clone(), command(group.clone())))
        .collect();
    let shown = (&group, group::Command::ChangeMembers);
    let asked = Asked::ChangeMembers {
        group: id,
        customers: &customers,
    };
    let outcome = ledger
        .execute_multi_stream::<CustomerGroup, Customer>(shown, commands, request)
        .await
        .map_err(|error| not_done(error, &asked))?;
    let group = group_as_of(call, outcome).await?;
    let none = Relations::of_group(None).map_err(|_unknown| ApiError::Unknown)?;
    let body = render_group(&group, &Related::default(), &none, None);
    Ok(Answered::ok(body))
}
