//! The ledger's own API.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;
use sqlx::Row as _;

use super::request::RequestId;
use super::{Api, json as answer};
use crate::explain;

/// `GET /ledger/customers/{id}`: a customer's ids, and where its stream stands. `id` is any id that
/// either shop or the ledger knows. Scope `ledger:read`.
pub(super) async fn customer(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    id: Result<Path<String>, PathRejection>,
) -> Response {
    let request_id = RequestId::of(&headers);
    let id = id.ok().map(|Path(id)| id);
    let mut response = match find(&api, &headers, id.as_deref()).await {
        Ok(body) => answer(StatusCode::OK, body),
        Err((status, title)) => problem(status, title),
    };
    request_id.put(response.headers_mut());
    response
}

/// `GET /ledger/requests/{id}`: what became of a request. `id` is the one in its answer. Scope
/// `ledger:read`.
pub(super) async fn request(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    id: Result<Path<String>, PathRejection>,
) -> Response {
    let request_id = RequestId::of(&headers);
    let id = id.ok().map(|Path(id)| id);
    let mut response = match explained(&api, &headers, id.as_deref()).await {
        Ok(body) => answer(StatusCode::OK, body),
        Err((status, title)) => problem(status, title),
    };
    request_id.put(response.headers_mut());
    response
}

async fn explained(
    api: &Api,
    headers: &HeaderMap,
    id: Option<&str>,
) -> Result<String, (StatusCode, &'static str)> {
    authorize(api, headers, "ledger:read").await?;
    let no_id = (
        StatusCode::BAD_REQUEST,
        "a request id is 32 hexadecimal digits: the header Ledger-Request-Id of any answer",
    );
    let id = id.and_then(explain::RequestId::parse).ok_or(no_id)?;
    let kafka = explain::Kafka {
        topic: &api.topic,
        config: api.kafka.as_ref(),
    };
    let explained = explain::find(&api.ledger.pool, &api.ledger.store, &kafka, id).await;
    match explained {
        Ok(explained) => Ok(explained.to_json()),
        Err(explain::Error::Unknown) => Err((
            StatusCode::NOT_FOUND,
            "no event and no refusal is kept of this request",
        )),
        Err(explain::Error::Store(error)) => Err(unread(&error)),
    }
}

async fn find(
    api: &Api,
    headers: &HeaderMap,
    id: Option<&str>,
) -> Result<String, (StatusCode, &'static str)> {
    authorize(api, headers, "ledger:read").await?;
    // No customer's id is anything but text without U+0000, which Postgres does not take.
    let id = id.filter(|id| !id.contains('\0'));
    let id = id.ok_or((StatusCode::NOT_FOUND, NO_CUSTOMER))?;
    let row = sqlx::query(
        "with found as ( \
            select holder as stream from claims \
            where store = $1 and kind in ('medusa_id', 'shopline_id') and key = $3 \
            union select $2) \
         select e.aggregate_id, e.sequence, e.position, \
            (select max(position) from events), \
            (select json_object_agg(c.kind, convert_from(c.key, 'UTF8'))::text from claims c \
             where c.holder = e.aggregate_id and c.kind in ('medusa_id', 'shopline_id')) \
         from found f join events e \
            on e.aggregate_type = 'Customer' and e.aggregate_id = f.stream and e.store = $1 \
         order by e.sequence desc limit 1",
    )
    .bind(&api.ledger.store)
    .bind(id)
    .bind(id.as_bytes())
    .fetch_optional(&api.ledger.pool)
    .await
    .map_err(|error| unread(&error))?
    .ok_or((StatusCode::NOT_FOUND, NO_CUSTOMER))?;
    let body = (|| {
        let ids: String = row.try_get(4)?;
        let ids: serde_json::Value = serde_json::from_str(&ids).unwrap_or_default();
        Ok::<_, sqlx::Error>(json!({
            "ids": {
                "ledger": row.try_get::<String, _>(0)?,
                "medusa": ids.get("medusa_id"),
                "shopline": ids.get("shopline_id"),
            },
            "sequence": row.try_get::<i64, _>(1)?,
            "position": row.try_get::<i64, _>(2)?,
            "head": row.try_get::<i64, _>(3)?,
        }))
    })();
    body.map(|body| body.to_string())
        .map_err(|error| unread(&error))
}

const NO_CUSTOMER: &str = "no customer has or had this id";

/// Lets in the holder of a ledger token with a scope.
async fn authorize(
    api: &Api,
    headers: &HeaderMap,
    scope: &str,
) -> Result<(), (StatusCode, &'static str)> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let unauthorized = (
        StatusCode::UNAUTHORIZED,
        "a ledger token is needed: Authorization: Bearer",
    );
    let token = api
        .auth
        .ledger_token(token.ok_or(unauthorized)?)
        .await
        .map_err(|error| unread(&error))?
        .ok_or(unauthorized)?;
    if token.scopes.iter().any(|held| held == scope) {
        Ok(())
    } else {
        Err((StatusCode::FORBIDDEN, "the token lacks the scope for this"))
    }
}

fn unread(error: &sqlx::Error) -> (StatusCode, &'static str) {
    tracing::warn!(error = %error, "the database could not be used");
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "the store cannot be read at the moment",
    )
}

/// Source: RFC 9457.
fn problem(status: StatusCode, title: &str) -> Response {
    let body = json!({ "title": title, "status": status.as_u16() });
    let mut response = answer(status, body.to_string());
    let json = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
