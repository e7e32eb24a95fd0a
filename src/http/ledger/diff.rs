//! `GET /ledger/customers/{id}/diff`.

use axum::response::Response;

use super::asked::{Asked, OPEN};
use super::problem::Problem;
use crate::history::Error;
use crate::history::Shape;

/// What differs between two points in time, and by which event. Scope `ledger:open`.
pub(in crate::http) async fn handle(request: Asked) -> Response {
    request.answer_apart(Box::pin(diff(&request))).await
}

async fn diff(request: &Asked) -> Result<String, Problem> {
    let token = request.authorize(OPEN).await?;
    let query = request.parameters(&["from", "to", "shape", "version", "expand", "fields"])?;
    let shape = Shape::parse_whole(query.shape(), &request.api.store).map_err(Error::from)?;
    let reason = request.reason()?;
    let questions = request.questions(&token, reason.as_deref());
    let (from, to) = (query.when("from")?, query.when("to")?);
    let diff = questions.diff(request.id()?, from, to, &shape).await?;
    Ok(diff.json().to_string())
}
