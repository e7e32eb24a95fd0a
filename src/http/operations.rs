//! What operators ask of the process: `/health`, `/ready`, `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::time::timeout;

use super::api::Api;
use super::response::json;

/// The paths.
pub(crate) const OPERATIONS: [&str; 3] = ["/health", "/ready", "/metrics"];

/// How long Postgres may take to say that it is there.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// The routes.
pub(super) fn routes() -> Router<Arc<Api>> {
    let [health, ready_path, metrics_path] = OPERATIONS;
    Router::new()
        .route(health, get(|| async { "ok" }))
        .route(ready_path, get(ready))
        .route(metrics_path, get(collected))
}

/// 200 while requests can be served, degraded or not; 503 without Postgres or while draining.
async fn ready(State(api): State<Arc<Api>>) -> Response {
    let health = api.health.borrow().clone();
    let asked = sqlx::query("select 1").execute(&api.ledger.pool);
    let postgres = matches!(timeout(READY_TIMEOUT, asked).await, Ok(Ok(_)));
    let (status, body) = if health.draining {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            serde_json::json!({ "status": "draining" }),
        )
    } else if !postgres {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            serde_json::json!({ "status": "unavailable", "postgres": "unreachable" }),
        )
    } else if let Some(kafka) = health.degraded {
        (
            StatusCode::OK,
            serde_json::json!({ "status": "degraded", "kafka": kafka }),
        )
    } else {
        (StatusCode::OK, serde_json::json!({ "status": "ready" }))
    };
    json(status, body.to_string())
}

async fn collected() -> Response {
    let mut response = crate::telemetry::metrics().into_response();
    let text = HeaderValue::from_static("text/plain; version=0.0.4");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}
