//! What became of a request, over HTTP.

use axum::http::StatusCode;
use axum::response::Response;

use super::{Asked, Problem, READ};
use crate::history::explain;

/// `GET /ledger/requests/{id}`: what became of a request. `id` is the one in its answer. Scope
/// `ledger:read`.
pub(in super::super) async fn request(request: Asked) -> Response {
    request.answer(request.explained()).await
}

impl Asked {
    async fn explained(&self) -> Result<String, Problem> {
        self.authorize(READ).await?;
        let no_id =
            "a request id is 32 hexadecimal digits: the header Ledger-Request-Id of any answer";
        let id = self.id.as_deref().and_then(explain::RequestId::parse);
        let id = id.ok_or_else(|| Problem(StatusCode::BAD_REQUEST, no_id.to_owned()))?;
        let kafka = explain::Kafka {
            topic: &self.api.topic,
            config: self.api.kafka.as_ref(),
        };
        let ledger = &self.api.ledger;
        match explain::find(&ledger.pool, &ledger.store, &kafka, id).await {
            Ok(explained) => Ok(explained.to_json()),
            Err(explain::Error::Unknown) => {
                let sentence = "no event and no refusal is kept of this request";
                Err(Problem(StatusCode::NOT_FOUND, sentence.to_owned()))
            }
            Err(explain::Error::Store(error)) => Err((&error).into()),
        }
    }
}
