//! Every route on one screen, and what all of them share.
//!
//! The two shops' own paths follow the two shops' own rules (case, slashes, encoding), so each
//! contract finds its routes itself: [`crate::contracts::medusa::path`] and
//! [`crate::contracts::shopline::path`].

mod ledger;
mod leftover;
pub mod limiter;
mod medusa;
mod request;
pub mod server;
mod shopline;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use events::record::Contract;
use sqlx::PgPool;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::block_in_place;
use tokio::time::{Instant, timeout};

use crate::auth::Auth;
use crate::config::{MedusaConfig, ShoplineConfig, TrustedProxies};
use crate::event_store::Ledger;
use crate::history::refusals::Refusals;
use crate::http::limiter::Limiter;
use crate::http::request::RequestId;
use crate::kafka::KafkaConfig;
use crate::kafka::projector::{Projection, Watcher};
use crate::mutations::{Guard, without};

/// Paths of those who only ask how the process is.
pub const OPERATIONS: [&str; 3] = ["/health", "/ready", "/metrics"];

/// How long Postgres may take to say that it is there.
const READY_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a request may take in all, its body included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a list waits for its projection.
const LIST_WAIT_MAX: Duration = Duration::from_millis(500);
/// By how many positions a list may be behind, if it is.
const BEHIND: &str = "ledger-behind";

/// What every handler can reach.
pub struct Api {
    /// The store.
    pub ledger: Arc<Ledger>,
    /// Proofs.
    pub auth: Auth,
    /// Holds SHOPLINE's apps to their rate.
    pub limiter: Limiter,
    /// Refusals to keep.
    pub refusals: Refusals,
    /// Medusa's settings.
    pub medusa: MedusaConfig,
    /// SHOPLINE's settings.
    pub shopline: ShoplineConfig,
    /// What SHOPLINE's answers say of the store.
    pub store: projections::shopline::Store,
    /// The topic that the projections follow.
    pub topic: String,
    /// Kafka, for those who ask where in it a record is.
    pub kafka: Option<KafkaConfig>,
    /// Says how far the projections are.
    pub watcher: Watcher,
    /// Connections that search in views: a statement there has little time.
    pub lists: PgPool,
    /// How many passwords may be hashed at a time: each takes 19 MiB.
    pub hashing: Arc<Semaphore>,
    /// How many questions to the past may be folded at a time.
    pub folding: Semaphore,
    /// Proxies whose headers are believed.
    pub trusted_proxies: TrustedProxies,
    /// Whether the process is ready, and how Kafka is.
    pub health: watch::Receiver<Health>,
}

/// What `/ready` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// No further requests are wanted.
    pub draining: bool,
    /// What is wrong with Kafka or a projection, if anything.
    pub degraded: Option<String>,
}

impl Api {
    /// Folds what may be a long history, a few at a time and beside the async workers: writes go on.
    async fn apart<T>(&self, fold: impl Future<Output = T> + Send) -> T {
        let _permit = self.folding.acquire().await;
        let fold = timeout(REQUEST_TIMEOUT, fold);
        let folded = block_in_place(|| Handle::current().block_on(fold));
        match folded {
            Ok(folded) => folded,
            // The request's own time began earlier, and is over, too.
            Err(_elapsed) => std::future::pending().await,
        }
    }

    /// Waits for a projection; says by how many positions it is behind, if it still is.
    async fn behind(&self, projection: Projection) -> Result<Option<i64>, Arc<sqlx::Error>> {
        if without(Guard::Lists) {
            return Ok(None);
        }
        let progress = self.watcher.caught_up(projection, LIST_WAIT_MAX).await?;
        let lack = progress.head - progress.watermark;
        Ok((lack > 0).then_some(lack))
    }
}

/// All routes.
pub fn router(api: Arc<Api>) -> Router {
    routes_of_operations()
        // The ledger's own API.
        .route("/ledger/customers/{id}", get(ledger::customer))
        .route("/ledger/customers/{id}/log", get(ledger::log))
        .route("/ledger/customers/{id}/diff", get(ledger::diff))
        .route("/ledger/customers/{id}/blame", get(ledger::blame))
        .route("/ledger/requests/{id}", get(ledger::request))
        .route("/ledger/projections", get(ledger::projections))
        // SHOPLINE: /admin/openapi/{version}/…; Medusa: all else.
        .fallback(shops)
        .with_state(api)
}

/// What a process answers that does not serve the contracts.
pub fn operations(api: Arc<Api>) -> Router {
    routes_of_operations().with_state(api)
}

/// For whoever runs it.
fn routes_of_operations() -> Router<Arc<Api>> {
    let [health, ready_path, metrics_path] = OPERATIONS;
    Router::new()
        .route(health, get(|| async { "ok" }))
        .route(ready_path, get(ready))
        .route(metrics_path, get(collected))
}

async fn shops(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (id, began) = (RequestId::of(request.headers()), Instant::now());
    let (parts, body) = request.into_parts();
    let (body, leftover) = leftover::lend(body);
    let request = Request::from_parts(parts, body);
    let (contract, mut response) = if shopline::is_path(request.uri().path()) {
        let answer = timeout(REQUEST_TIMEOUT, shopline::serve(&api, &id, request)).await;
        let late = |_elapsed| shopline::refuse(&id, &shopline::Refused::Unavailable);
        (Contract::Shopline, answer.unwrap_or_else(late))
    } else {
        let answer = timeout(REQUEST_TIMEOUT, medusa::serve(&api, &id, request)).await;
        let late = |_elapsed| medusa::refuse(&medusa::Refused::Unavailable);
        (Contract::Medusa, answer.unwrap_or_else(late))
    };
    let status = response.status().as_str().to_owned();
    metrics::histogram!("ledger_request_seconds", "contract" => contract.name(), "status" => status)
        .record(began.elapsed());
    leftover.discard().await;
    id.put(response.headers_mut());
    response
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

/// An answer of JSON text.
fn json(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
