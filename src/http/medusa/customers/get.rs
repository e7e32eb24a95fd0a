//! `GET /admin/customers/{id}`; with `as_of`, the ledger's own, as it was answered then.

use projections::medusa::{Customer, Group, Related, Relations};

use super::show;
use crate::contracts::medusa::customer::parse_get;
use crate::contracts::medusa::error::ApiError;
use crate::domain::claims::MEDUSA_ID;
use crate::history;
use crate::history::questions::{Asker, Questions};
use crate::history::{ShapeError, When};
use crate::http::medusa::call::{Answered, Call};
use crate::http::request::{now, reason};

/// The route's template.
const ROUTE: &str = "GET /admin/customers/{id}";

/// Shows a customer.
pub(in crate::http) async fn handle(call: &Call<'_>, id: &str) -> Result<Answered, ApiError> {
    let get = parse_get(call.query())?;
    let as_of = get.as_of.map(|text| When::parse(&text, now()));
    let as_of = as_of.transpose();
    let as_of = as_of.map_err(|no_time| ApiError::Past(format!("as_of: {no_time}")))?;
    let relations = Relations::of_customer(get.expand.as_deref());
    let relations = relations.map_err(|_unknown| ApiError::Unknown)?;
    let found = match as_of {
        Some(_) if relations.has_members() => {
            return Err(ApiError::Past(ShapeError::Members.to_string()));
        }
        Some(as_of) => then(call, id, as_of).await?,
        None => {
            let ledger = &call.api.ledger;
            ledger
                .medusa_customer(&id.into(), relations.has_groups())
                .await?
        }
    };
    let unknown = || ApiError::CustomerUnknown { id: id.to_owned() };
    let (customer, groups) = found.ok_or_else(unknown)?;
    let mut related = Related::default();
    related.hold_groups(&customer.groups, groups);
    show(call, &customer, related, &relations).await
}

/// A customer as it was at a point in time, and its groups.
async fn then(
    call: &Call<'_>,
    id: &str,
    as_of: When,
) -> Result<Option<(Customer, Vec<Group>)>, ApiError> {
    let reason = reason(&call.parts.headers)?;
    let questions = Questions {
        ledger: &call.api.ledger,
        asker: Asker {
            actor: &call.actor,
            request_id: Some(call.id),
            reason: reason.as_deref(),
        },
    };
    let then = questions.then(MEDUSA_ID, id, as_of, ROUTE);
    match call.api.apart(then).await {
        Ok(then) => Ok(then.map(|then| (then.views.medusa, then.groups.into_values().collect()))),
        Err(history::Error::Read(error)) => Err(error.into()),
        Err(error) => Err(ApiError::Past(error.to_string())),
    }
}
