//! Every route on one screen.
//!
//! The two shops' own paths follow the two shops' own rules (case, slashes, encoding), so each
//! contract finds its routes itself: [`crate::contracts::medusa::path`] and
//! [`crate::contracts::shopline::path`]. An endpoint is a file, named as its route.

mod api;
mod ledger;
mod limiter;
mod medusa;
mod operations;
mod request;
mod response;
pub mod server;
mod shopline;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use events::record::Contract;
use tokio::time::{Instant, timeout};

use self::api::REQUEST_TIMEOUT;
pub use self::api::{Api, Health};
pub use self::limiter::Limiter;
pub(crate) use self::operations::OPERATIONS;
use self::request::{put_request_id, request_id};
use self::server::leftover;

/// All routes.
pub fn router(api: Arc<Api>) -> Router {
    operations::routes()
        // The ledger's own API.
        .route("/ledger/customers/{id}", get(ledger::customer::handle))
        .route("/ledger/customers/{id}/log", get(ledger::log::handle))
        .route("/ledger/customers/{id}/diff", get(ledger::diff::handle))
        .route("/ledger/customers/{id}/blame", get(ledger::blame::handle))
        .route("/ledger/requests/{id}", get(ledger::request::handle))
        .route("/ledger/projections", get(ledger::projections::handle))
        // SHOPLINE: /admin/openapi/{version}/…; Medusa: all else.
        .fallback(shops)
        .with_state(api)
}

/// What a process answers that does not serve the contracts.
pub fn operations(api: Arc<Api>) -> Router {
    operations::routes().with_state(api)
}

async fn shops(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (id, began) = (request_id(request.headers()), Instant::now());
    let (parts, body) = request.into_parts();
    let (body, leftover) = leftover::lend(body);
    let request = Request::from_parts(parts, body);
    let (contract, mut response) = if shopline::is_path(request.uri().path()) {
        let answer = timeout(REQUEST_TIMEOUT, shopline::serve(&api, &id, request)).await;
        let late = |_elapsed| shopline::refuse(&id, &shopline::ApiError::Unavailable);
        (Contract::Shopline, answer.unwrap_or_else(late))
    } else {
        let answer = timeout(REQUEST_TIMEOUT, medusa::serve(&api, &id, request)).await;
        let late = |_elapsed| medusa::refuse(&medusa::ApiError::Unavailable);
        (Contract::Medusa, answer.unwrap_or_else(late))
    };
    let status = response.status().as_str().to_owned();
    metrics::histogram!("ledger_request_seconds", "contract" => contract.name(), "status" => status)
        .record(began.elapsed());
    leftover.discard().await;
    put_request_id(&id, response.headers_mut());
    response
}
