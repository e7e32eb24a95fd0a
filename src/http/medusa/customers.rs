//! `/admin/customers`.

pub(super) mod create;
pub(super) mod get;
pub(super) mod list;
pub(super) mod update;

use events::ids::{Sequence, StreamId};
use projections::medusa::{Customer as View, Related, Relations, render_customer};

use super::call::{Answered, Call};
use super::related::relate;
use crate::contracts::medusa::error::ApiError;
use crate::domain::customer::Customer;
use crate::event_store::Loaded;

/// The answer that shows a customer with its relations, some of which may be held already.
async fn show(
    call: &Call<'_>,
    customer: &View,
    mut related: Related,
    relations: &Relations,
) -> Result<Answered, ApiError> {
    let missing = |related: &Related| related.missing_of_customer(customer, relations);
    let behind = relate(call, &mut related, missing).await?;
    Ok(Answered {
        behind,
        ..Answered::ok(render_customer(customer, &related, relations))
    })
}

/// The customer that the first copy of a repeated request was answered with.
async fn first_answered(
    call: &Call<'_>,
    stream: &StreamId,
    sequence: Sequence,
) -> Result<Loaded<Customer>, ApiError> {
    let ledger = &call.api.ledger;
    let then = ledger.load_until::<Customer>(stream, sequence).await?;
    if then.is_erased() {
        return Err(ApiError::CustomerUnknown {
            id: then.aggregate.ids.medusa.into(),
        });
    }
    Ok(then)
}
