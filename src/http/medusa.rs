//! Medusa's routes: I/O only. What is asked is read by `contracts::medusa`, what is answered is
//! rendered by `projections::medusa`.

mod auth;
mod customers;
mod groups;
mod lists;
mod members;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use events::record::{Actor, Contract};
use express::body::{self, BYTES_MAX, BodyError};
use express::etag::{Conditions, etag, is_fresh};
use express::json::Document;

use super::request::{Envelope, RequestId};
use super::{Api, BEHIND};
use crate::contracts::medusa::path::{Route, route};
pub(super) use crate::contracts::medusa::refusal::Refused;
use crate::contracts::medusa::refusal::{CROSS_ORIGIN, JSON, POWERED_BY};
use crate::event_store::ExecuteError;
use crate::event_store::StoreError;
use crate::event_store::appender::Conflict;
use crate::history::refusals;

/// The most bytes of a compressed body that are read: one that inflates to the limit is smaller.
const COMPRESSED_BYTES_MAX: usize = 2 * BYTES_MAX;

/// What a handler answers when nothing goes wrong.
struct Answered {
    status: StatusCode,
    body: String,
    /// By how many positions what is shown may be behind, if it is.
    behind: Option<i64>,
}

impl Answered {
    const fn ok(body: String) -> Self {
        Self {
            status: StatusCode::OK,
            body,
            behind: None,
        }
    }
}

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
                auth::answer(api, id, &parts, &route, document).await
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
) -> Result<Answered, Refused> {
    let no_route = || Refused::NoRoute {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        in_admin: *route != Route::NotAdmin,
    };
    if *route == Route::NotAdmin {
        return Err(no_route());
    }
    let actor = auth::who_asks(api, &parts.headers).await?;
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
        (&Method::GET, Route::Customers) => call.customers().await,
        (&Method::GET, Route::Groups) => call.groups().await,
        (&Method::GET, Route::Members(group)) => call.members(group).await,
        (&Method::POST, Route::Customers) => call.create_customer(document).await,
        (&Method::GET, Route::Customer(id)) => call.customer(id).await,
        (&Method::POST, Route::Customer(id)) => call.update_customer(id, document).await,
        (&Method::POST, Route::Groups) => call.create_group(document).await,
        (&Method::GET, Route::Group(id)) => call.group(id).await,
        (&Method::POST, Route::Group(id)) => call.update_group(id, document).await,
        (&Method::DELETE, Route::Group(id)) => call.delete_group(id, &document).await,
        (&Method::POST, Route::MembersBatch(id)) => call.add_members(id, document).await,
        (&Method::DELETE, Route::MembersBatch(id)) => call.remove_members(id, document).await,
        (_, Route::BadEncoding) => Err(Refused::Unknown),
        _ => Err(no_route()),
    };
    answered.inspect_err(|refused| call.keep(route, refused))
}

/// One request of somebody known.
struct Call<'a> {
    api: &'a Api,
    id: &'a RequestId,
    parts: &'a Parts,
    actor: Actor,
}

impl Call<'_> {
    fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    /// The request as the store is told of it. The document stands for the body: it is what was
    /// understood.
    fn request(
        &self,
        route: &str,
        document: &Document,
        status: StatusCode,
    ) -> Result<crate::event_store::Request, Refused> {
        let envelope = Envelope {
            actor: self.actor.clone(),
            contract: Contract::Medusa,
            route,
            id: self.id,
            headers: &self.parts.headers,
        };
        let content = [
            self.parts.uri.path(),
            self.query(),
            &document.value.to_string(),
        ];
        envelope
            .request(&self.api.ledger.keyring, &content, status.as_u16())
            .map_err(|refused| Refused::Header(refused.to_string()))
    }

    fn keep(&self, route: &Route<'_>, refused: &Refused) {
        self.api.refusals.keep(refusals::Refusal {
            request_id: self.id.0.clone(),
            actor: self.actor.clone(),
            contract: Contract::Medusa,
            route: format!("{} {}", self.parts.method, template(route)),
            status: refused.status(),
            kind: refused.kind().to_owned(),
            fields: refused.fields(),
        });
    }
}

/// A path's template: never a value.
const fn template(route: &Route<'_>) -> &'static str {
    match route {
        Route::Customers => "/admin/customers",
        Route::Customer(_) => "/admin/customers/{id}",
        Route::Groups => "/admin/customer-groups",
        Route::Group(_) => "/admin/customer-groups/{id}",
        Route::Members(_) => "/admin/customer-groups/{id}/customers",
        Route::MembersBatch(_) => "/admin/customer-groups/{id}/customers/batch",
        Route::Auth => "/admin/auth",
        Route::AuthToken => "/admin/auth/token",
        Route::Unknown | Route::BadEncoding => "/admin/…",
        Route::NotAdmin => "/…",
    }
}

async fn read_body(parts: &Parts, body: Body) -> Result<Document, Refused> {
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
    let Some(plan) = body::plan(headers).map_err(Refused::Body)? else {
        return Ok(body::empty());
    };
    let limit = if plan.counts_bytes_sent() {
        BYTES_MAX
    } else {
        COMPRESSED_BYTES_MAX
    };
    let bytes: Bytes = axum::body::to_bytes(body, limit)
        .await
        .map_err(|_too_large| Refused::Body(BodyError::TooLarge))?;
    plan.parse(&bytes).map_err(Refused::Body)
}

/// Source: the package cors 2.8, with credentials.
fn preflight(headers: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let answer = response.headers_mut();
    put(answer, [POWERED_BY]);
    put(answer, CROSS_ORIGIN);
    put(
        answer,
        [(
            "access-control-allow-methods",
            "GET,HEAD,PUT,PATCH,POST,DELETE",
        )],
    );
    if let Some(asked) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        let vary = HeaderValue::from_static("Origin, Access-Control-Request-Headers");
        answer.insert(header::VARY, vary);
    }
    response
}

/// An origin of the list is named in the answer. Source: case `http-cors-get`.
fn allow_origin(api: &Api, headers: &HeaderMap, response: &mut Response) {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return;
    };
    let listed = api
        .medusa
        .admin_cors
        .0
        .iter()
        .any(|allowed| allowed.as_bytes() == origin.as_bytes());
    if listed && response.headers().contains_key(header::VARY) {
        response
            .headers_mut()
            .insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
}

fn success(parts: &Parts, answered: Answered) -> Response {
    let tag = etag(answered.body.as_bytes());
    let text = |name: HeaderName| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let conditions = Conditions {
        if_none_match: text(header::IF_NONE_MATCH),
        if_modified_since: text(header::IF_MODIFIED_SINCE),
        cache_control: text(header::CACHE_CONTROL),
    };
    let reads = parts.method == Method::GET || parts.method == Method::HEAD;
    let fresh = reads && is_fresh(conditions, &tag);
    let mut response = Response::new(if fresh {
        Body::empty()
    } else {
        answered.body.into()
    });
    *response.status_mut() = if fresh {
        StatusCode::NOT_MODIFIED
    } else {
        answered.status
    };
    let headers = response.headers_mut();
    put(headers, [POWERED_BY]);
    put(headers, CROSS_ORIGIN);
    put(headers, [("etag", tag.as_str())]);
    if !fresh {
        put(headers, [("content-type", JSON)]);
    }
    if let Some(behind) = answered.behind {
        headers.insert(BEHIND, HeaderValue::from(behind));
    }
    response
}

/// Medusa's own answer to a refusal.
pub(super) fn refuse(refused: &Refused) -> Response {
    let answer = refused.answer();
    let body = if *refused == Refused::Unauthorized {
        // Express ends this answer piece by piece, so it has no length.
        Body::from_stream(futures_util::stream::once(async {
            Ok::<_, std::convert::Infallible>(answer.body)
        }))
    } else {
        answer.body.into()
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    put(
        response.headers_mut(),
        answer
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str())),
    );
    response
}

fn put<'a>(headers: &mut HeaderMap, pairs: impl IntoIterator<Item = (&'static str, &'a str)>) {
    for (name, value) in pairs {
        let value = HeaderValue::from_str(value).expect("our headers are visible ASCII");
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// Why a command was not done, in Medusa's words: what `refusal` makes of the decision's own reasons,
/// and `by_store` of the store's.
fn refused<E: std::error::Error>(
    error: ExecuteError<E>,
    refusal: impl FnOnce(E) -> Refused,
    by_store: impl FnOnce(Vec<Conflict>) -> Refused,
) -> Refused {
    match error {
        ExecuteError::Refused(error) => refusal(error),
        ExecuteError::Conflicts(failures) => by_store(failures),
        ExecuteError::KeyReused => Refused::KeyReused,
        ExecuteError::Contended => Refused::Conflict,
        ExecuteError::Read(error) => failed(&error),
        ExecuteError::Append(error) => {
            tracing::warn!(error = %error, "a command was not appended");
            Refused::Unavailable
        }
    }
}

fn failed(error: &StoreError) -> Refused {
    match error {
        StoreError::Unavailable(error) => unread(error),
        StoreError::Corrupt(_) | StoreError::Lost | StoreError::Unknown(_) => {
            tracing::error!(error = %error, "the ledger could not be read");
            Refused::Unknown
        }
    }
}

fn unread(error: &sqlx::Error) -> Refused {
    tracing::warn!(error = %error, "the database could not be used");
    Refused::Unavailable
}
