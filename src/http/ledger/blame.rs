//! `GET /ledger/customers/{id}/blame`.

use axum::response::Response;

use super::asked::{Asked, OPEN};
use super::problem::Problem;
use crate::history::Error;
use crate::history::Shape;
use crate::history::questions::blame::blame_json;

/// Which event made each value what it is. Scope `ledger:open`.
pub(in crate::http) async fn handle(request: Asked) -> Response {
    request.answer_apart(Box::pin(blame(&request))).await
}

async fn blame(request: &Asked) -> Result<String, Problem> {
    let token = request.authorize(OPEN).await?;
    let query =
        request.parameters(&["pointer", "as_of", "shape", "version", "expand", "fields"])?;
    let shape = Shape::parse_whole(query.shape(), &request.api.store).map_err(Error::from)?;
    let reason = request.reason()?;
    let questions = request.questions(&token, reason.as_deref());
    let (pointer, as_of) = (query.get("pointer"), query.when("as_of")?);
    let leaves = questions
        .blame(request.id()?, pointer, as_of, &shape)
        .await?;
    Ok(blame_json(&leaves).to_string())
}
