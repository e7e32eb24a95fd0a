//! `GET customers/v2/{id}.json`; with `as_of`, the ledger's own, as it was answered then.

use events::ids::ShoplineId;
use projections::shopline::{Customer, Fields, render_read};

use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::path::MatchedPath;
use crate::contracts::shopline::query::Query;
use crate::domain::claims::SHOPLINE_ID;
use crate::history;
use crate::history::questions::{Asker, Questions};
use crate::history::{NoTime, When};
use crate::http::request::{now, reason};
use crate::http::shopline::call::Call;

/// What `as_of` takes.
const POINT_IN_TIME: &str = "a position, a time with its offset, a date or how long ago";

/// Shows a customer.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    found: &MatchedPath,
) -> Result<String, ApiError> {
    let (id, query) = (found.customer_id()?, Query::parse(call.query));
    let customer = match query.get("as_of") {
        Some(as_of) => then(call, id, as_of).await?,
        None => call.shown(id).await?,
    };
    let fields = query.get("fields").and_then(Fields::parse);
    let (store, version) = (&call.api.store, found.version.shown);
    Ok(render_read(&customer, store, version, fields.as_ref()))
}

/// A customer as it was at a point in time.
async fn then(call: &Call<'_>, id: &ShoplineId, as_of: &str) -> Result<Customer, ApiError> {
    let parameter = |expected| ApiError::Parameter {
        parameter: "as_of",
        expected,
    };
    let as_of = When::parse(as_of, now()).map_err(|NoTime| parameter(POINT_IN_TIME))?;
    let reason = reason(call.headers)?;
    let questions = Questions {
        ledger: &call.api.ledger,
        asker: Asker {
            actor: &call.actor,
            request_id: Some(call.id),
            reason: reason.as_deref(),
        },
    };
    let then = questions.then(SHOPLINE_ID, id, as_of, &call.route);
    match call.api.apart(then).await {
        Ok(then) => then
            .map(|then| then.views.shopline)
            .ok_or(ApiError::NoSuchData),
        Err(history::Error::Read(error)) => Err(error.into()),
        Err(_) => Err(parameter("a position that the ledger has come to")),
    }
}
