//! Medusa's routes, and the order in which a request is looked at.
//!
//! An endpoint is a file: `handle` reads what is asked by `contracts::medusa`, asks the store, and
//! answers what `projections::medusa` renders. What goes wrong becomes Medusa's words in [`error`].

mod auth;
mod call;
mod customer_groups;
mod customers;
mod error;
mod page;
mod proof;
mod related;
mod response;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, header};
use axum::response::Response;
use events::ids::RequestId;
use express::body::{self, BYTES_MAX, BodyError};
use express::json::Document;

use self::call::{Answered, Call};
pub(super) use self::response::refuse;
use self::response::{allow_origin, preflight, success};
use super::api::Api;
pub(super) use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::path::{Route, route};

/// The most bytes of a compressed body that are read: one that inflates to the limit is smaller.
const COMPRESSED_BYTES_MAX: usize = 2 * BYTES_MAX;

/// Answers a request in the order of Medusa's own pipeline: the body's syntax, cross-origin rules,
/// who asks, what is asked. Source: contracts, request pipeline.
pub(super) async fn serve(api: &Api, id: &RequestId, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let route = route(parts.uri.path());
    let in_admin = route != Route::NotAdmin;
    let mut response = match read_body(&parts, body).await {
        Err(refused) => refuse(&refused),
        Ok(_) if in_admin && parts.method == Method::OPTIONS => preflight(&parts.headers),
        Ok(document) => {
            let answered = if matches!(route, Route::Auth | Route::AuthToken) {
                answer_auth(api, id, &parts, &route, document).await
            } else {
                let answered = answer(api, id, &parts, &route, document).await;
                answered.map(|answered| success(&parts, answered))
            };
            answered.unwrap_or_else(|refused| refuse(&refused))
        }
    };
    if in_admin {
        allow_origin(api, &parts.headers, &mut response);
    }
    response
}

async fn answer(
    api: &Api,
    id: &RequestId,
    parts: &Parts,
    route: &Route<'_>,
    document: Document,
) -> Result<Answered, ApiError> {
    let no_route = || no_route(parts, *route != Route::NotAdmin);
    if *route == Route::NotAdmin {
        return Err(no_route());
    }
    let actor = proof::who_asks(api, &parts.headers).await?;
    let call = Call {
        api,
        id,
        parts,
        actor,
    };
    let method = if parts.method == Method::HEAD {
        &Method::GET
    } else {
        &parts.method
    };
    let answered = match (method, route) {
        (&Method::GET, Route::Customers) => customers::list::handle(&call).await,
        (&Method::GET, Route::Groups) => customer_groups::list::handle(&call).await,
        (&Method::GET, Route::Members(group)) => {
            customer_groups::members::handle(&call, group).await
        }
        (&Method::POST, Route::Customers) => customers::create::handle(&call, document).await,
        (&Method::GET, Route::Customer(id)) => customers::get::handle(&call, id).await,
        (&Method::POST, Route::Customer(id)) => {
            customers::update::handle(&call, id, document).await
        }
        (&Method::POST, Route::Groups) => customer_groups::create::handle(&call, document).await,
        (&Method::GET, Route::Group(id)) => customer_groups::get::handle(&call, id).await,
        (&Method::POST, Route::Group(id)) => {
            customer_groups::update::handle(&call, id, document).await
        }
        (&Method::DELETE, Route::Group(id)) => {
            customer_groups::delete::handle(&call, id, &document).await
        }
        (&Method::POST, Route::MembersBatch(id)) => {
            customer_groups::add_members::handle(&call, id, document).await
        }
        (&Method::DELETE, Route::MembersBatch(id)) => {
            customer_groups::remove_members::handle(&call, id, document).await
        }
        (_, Route::BadEncoding) => Err(ApiError::Unknown),
        _ => Err(no_route()),
    };
    answered.inspect_err(|refused| call.keep(route, refused))
}

/// Signing in is the one thing that takes no proof.
async fn answer_auth(
    api: &Api,
    id: &RequestId,
    parts: &Parts,
    route: &Route<'_>,
    document: Document,
) -> Result<Response, ApiError> {
    if parts.method == Method::POST {
        let visit = auth::Visit { api, id, parts };
        return if *route == Route::AuthToken {
            auth::create_token::handle(&visit, document).await
        } else {
            auth::create_session::handle(&visit, document).await
        };
    }
    let actor = proof::who_asks(api, &parts.headers).await?;
    let call = Call {
        api,
        id,
        parts,
        actor,
    };
    let answered = match (&parts.method, route) {
        (&Method::GET | &Method::HEAD, Route::Auth) => auth::get_session::handle(&call).await,
        (&Method::DELETE, Route::Auth) => auth::delete_session::handle(&call).await,
        _ => Err(no_route(parts, true)),
    };
    answered.inspect_err(|refused| call.keep(route, refused))
}

fn no_route(parts: &Parts, in_admin: bool) -> ApiError {
    ApiError::NoRoute {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        in_admin,
    }
}

async fn read_body(parts: &Parts, body: Body) -> Result<Document, ApiError> {
    let text = |name: HeaderName| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let headers = body::Headers {
        has_body: parts.headers.contains_key(header::CONTENT_LENGTH)
            || parts.headers.contains_key(header::TRANSFER_ENCODING),
        content_type: text(header::CONTENT_TYPE),
        content_encoding: text(header::CONTENT_ENCODING),
    };
    let Some(plan) = body::plan(headers).map_err(ApiError::Body)? else {
        return Ok(body::empty());
    };
    let limit = if plan.counts_bytes_sent() {
        BYTES_MAX
    } else {
        COMPRESSED_BYTES_MAX
    };
    let bytes: Bytes = axum::body::to_bytes(body, limit)
        .await
        .map_err(|_too_large| ApiError::Body(BodyError::TooLarge))?;
    plan.parse(&bytes).map_err(ApiError::Body)
}
