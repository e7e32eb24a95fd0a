//! How far each projection is, and when its tables were made anew, over HTTP.

use axum::response::Response;
use serde_json::{Value, json};

use super::super::Api;
use super::{Asked, Problem, READ};
use crate::kafka::projector::{Projection, progress};
use crate::rebuild;

/// `GET /ledger/projections`: the projections. Scope `ledger:read`.
pub(in super::super) async fn projections(request: Asked) -> Response {
    request.answer(request.projections()).await
}

impl Asked {
    async fn projections(&self) -> Result<String, Problem> {
        self.authorize(READ).await?;
        let mut projections = vec![];
        for projection in Projection::ALL {
            let described = describe(&self.api, projection).await;
            projections.push(described.map_err(|error| Problem::from(&error))?);
        }
        Ok(json!({ "projections": projections }).to_string())
    }
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
