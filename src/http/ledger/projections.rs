//! `GET /ledger/projections`.

use axum::response::Response;
use serde_json::{Value, json};

use super::asked::{Asked, READ};
use super::problem::Problem;
use crate::http::api::Api;
use crate::kafka::projector::{Projection, progress};
use crate::rebuild;

/// How far each projection is, and when its tables were made anew. Scope `ledger:read`.
pub(in crate::http) async fn handle(request: Asked) -> Response {
    request.answer(projections(&request)).await
}

async fn projections(request: &Asked) -> Result<String, Problem> {
    request.authorize(READ).await?;
    let mut projections = vec![];
    for projection in Projection::ALL {
        let described = describe(&request.api, projection).await;
        projections.push(described.map_err(|error| Problem::from(&error))?);
    }
    Ok(json!({ "projections": projections }).to_string())
}

async fn describe(api: &Api, projection: Projection) -> Result<Value, sqlx::Error> {
    let pool = &api.ledger.pool;
    let now = progress(pool, &api.topic, projection).await?;
    let last = rebuild::last(pool, projection).await?;
    Ok(json!({
        "name": projection.name(),
        "watermark": now.watermark,
        "head": now.head,
        "stalled": now.stalled,
        "rebuilding": rebuild::is_running(pool, projection).await?,
        "switched": last.map(|last| json!({
            "at": last.switched_at.to_string(),
            "position": last.position,
            "went_back": last.went_back,
            "kept": last.is_kept,
        })),
    }))
}
