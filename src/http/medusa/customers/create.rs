//! `POST /admin/customers`.

use axum::http::StatusCode;
use express::json::Document;
use projections::medusa::{Given, render_created};

use super::first_answered;
use crate::contracts::medusa::customer::{RULES, parse_create};
use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::refusal::Asked;
use crate::domain::customer::{Command, CreateCustomer, Customer};
use crate::event_store::{Outcome, new_ids};
use crate::http::medusa::call::{Answered, Call};
use crate::http::medusa::error::not_done;

/// Creates a customer: registered with a password, a guest without one.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    document: Document,
) -> Result<Answered, ApiError> {
    let ledger = &call.api.ledger;
    let mut request = call.request("POST /admin/customers", &document, StatusCode::CREATED)?;
    let create = parse_create(document)?;
    let given = Given {
        phone: create.phone_given,
        metadata: create.metadata_given,
    };
    let has_account = create.password.is_some();
    request.credential = call.hash(create.password.as_ref()).await?;
    let (stream, ids) = new_ids::new_customer(&ledger.pool).await?;
    let command = Command::Create(Box::new(CreateCustomer {
        rules: &RULES,
        ids,
        fields: create.fields,
        has_account,
        password: has_account,
        language: None,
        addresses: vec![],
    }));
    let outcome = ledger
        .execute::<Customer>(&stream, command, &request)
        .await
        .map_err(|error| not_done(error, &Asked::CreateCustomer))?;
    let body = match outcome {
        Outcome::Done(done) => render_created(&done.views.medusa, given),
        Outcome::Repeated(first) => {
            let then = first_answered(call, &first.stream, first.sequence).await?;
            render_created(&then.views.medusa, given)
        }
    };
    Ok(Answered {
        status: StatusCode::CREATED,
        body,
        behind: None,
    })
}
