//! `GET /ledger/customers/{id}`.

use axum::response::Response;
use serde_json::json;

use super::asked::{Asked, OPEN, READ};
use super::problem::Problem;
use crate::event_store::Ledger;
use crate::history::Error;
use crate::history::Shape;
use crate::history::find::FoundStream;
use crate::history::find::find_customer;

/// A customer's ids, and where its stream stands: scope `ledger:read`. With `shape`, the customer in
/// a shop's words, now or `as_of`: scope `ledger:open`. `id` is any id that either shop or the ledger
/// knows.
pub(in crate::http) async fn handle(request: Asked) -> Response {
    if request.query.as_deref().unwrap_or_default().is_empty() {
        request.answer(ids(&request)).await
    } else {
        request.answer_apart(Box::pin(show(&request))).await
    }
}

async fn ids(request: &Asked) -> Result<String, Problem> {
    request.authorize(READ).await?;
    let Ledger { pool, store, .. } = &*request.api.ledger;
    let FoundStream {
        kind: _,
        stream,
        medusa,
        shopline,
        sequence,
        position,
        head,
    } = find_customer(pool, store, request.id()?).await?;
    let ids = json!({ "ledger": stream, "medusa": medusa, "shopline": shopline });
    let body = json!({ "ids": ids, "sequence": sequence, "position": position, "head": head });
    Ok(body.to_string())
}

/// The same as a contract's GET answers, now or `as_of`.
async fn show(request: &Asked) -> Result<String, Problem> {
    let token = request.authorize(OPEN).await?;
    let query = request.parameters(&["shape", "as_of", "version", "expand", "fields"])?;
    let shape = Shape::parse(query.shape(), &request.api.store).map_err(Error::from)?;
    let reason = request.reason()?;
    let questions = request.questions(&token, reason.as_deref());
    Ok(questions
        .show(request.id()?, query.when("as_of")?, &shape)
        .await?)
}
