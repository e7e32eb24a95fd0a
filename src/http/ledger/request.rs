//! `GET /ledger/requests/{id}`.

use axum::http::StatusCode;
use axum::response::Response;
use events::ids::RequestId;

use super::asked::{Asked, READ};
use super::problem::Problem;
use crate::history::explain;

/// What became of a request. `id` is the one in its answer. Scope `ledger:read`.
pub(in crate::http) async fn handle(request: Asked) -> Response {
    request.answer(explained(&request)).await
}

async fn explained(request: &Asked) -> Result<String, Problem> {
    request.authorize(READ).await?;
    let no_id = "a request id is 32 hexadecimal digits: the header Ledger-Request-Id of any answer";
    let id = request.id.as_deref().and_then(RequestId::parse);
    let id = id.ok_or_else(|| Problem(StatusCode::BAD_REQUEST, no_id.to_owned()))?;
    let kafka = explain::Kafka {
        topic: &request.api.topic,
        config: request.api.kafka.as_ref(),
    };
    let ledger = &request.api.ledger;
    match explain::find(&ledger.pool, &ledger.store, &kafka, id).await {
        Ok(explained) => Ok(explained.to_json()),
        Err(explain::Error::Unknown) => {
            let sentence = "no event and no refusal is kept of this request";
            Err(Problem(StatusCode::NOT_FOUND, sentence.to_owned()))
        }
        Err(explain::Error::Store(error)) => Err((&error).into()),
    }
}
