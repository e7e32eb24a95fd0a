//! `POST /admin/customers/{id}`: one of the two operations the ledger exists for.

use axum::http::StatusCode;
use events::ids::{MEDUSA_CUSTOMER, MEDUSA_GROUP, MedusaId, StreamId};
use events::patch::Patch;
use express::json::Document;
use projections::medusa::{Related, Relations};

use super::{first_answered, show};
use crate::contracts::medusa::customer::{RULES, parse_update};
use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::refusal::Asked;
use crate::domain::customer::{Command, Customer, UpdateCustomer};
use crate::event_store::Outcome;
use crate::http::medusa::call::{Answered, Call};
use crate::http::medusa::error::not_done;

/// Changes a customer.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    id: &str,
    document: Document,
) -> Result<Answered, ApiError> {
    let ledger = &call.api.ledger;
    let mut request = call.request("POST /admin/customers/{id}", &document, StatusCode::OK)?;
    let update = parse_update(document, call.query())?;
    let unknown = || ApiError::CustomerUnknown { id: id.to_owned() };
    let stream = call.stream(MEDUSA_CUSTOMER, id).await?;
    let stream = stream.ok_or_else(unknown)?;
    let Ok(relations) = Relations::of_customer(update.expand.as_deref()) else {
        // Medusa looks for the customer first, and finds out about the relation when all is
        // written. Here nothing is: a request that is answered 500 changes nothing.
        let found = ledger.medusa_customer(&id.into(), false).await?;
        return Err(found.map_or_else(unknown, |_| ApiError::Unknown));
    };
    request.credential = call.hash(update.password.as_ref()).await?;
    let groups = match update.groups {
        Some(ids) => Some(with_streams(call, ids).await?),
        None => None,
    };
    let email = match &update.fields.email {
        Patch::Set(email) => email.clone(),
        Patch::Keep | Patch::Clear => String::new(),
    };
    let command = Command::Update(Box::new(UpdateCustomer {
        rules: &RULES,
        fields: update.fields,
        password: update.password.is_some(),
        groups: groups.as_deref().map(streams),
        addresses: vec![],
    }));
    let outcome = ledger
        .execute::<Customer>(&stream, command, &request)
        .await
        .map_err(|error| {
            let asked = Asked::UpdateCustomer {
                id,
                email: &email,
                groups: groups.as_deref().unwrap_or_default(),
            };
            not_done(error, &asked)
        })?;
    let mut related = Related::default();
    let customer = match outcome {
        Outcome::Done(done) => done.views.medusa.clone(),
        Outcome::Repeated(first) => {
            let then = first_answered(call, &first.stream, first.sequence).await?;
            let customer = then.views.medusa;
            if relations.has_groups() {
                let groups = ledger.medusa_groups_at(&customer.groups, first.position);
                related.hold_groups(&customer.groups, groups.await?);
            }
            customer
        }
    };
    show(call, &customer, related, &relations).await
}

/// Each group's id with its stream.
async fn with_streams(
    call: &Call<'_>,
    ids: Vec<MedusaId>,
) -> Result<Vec<(MedusaId, StreamId)>, ApiError> {
    let streams = call.streams(MEDUSA_GROUP, &ids).await?;
    Ok(ids.into_iter().zip(streams).collect())
}

fn streams(groups: &[(MedusaId, StreamId)]) -> Vec<StreamId> {
    groups.iter().map(|(_, stream)| stream.clone()).collect()
}
