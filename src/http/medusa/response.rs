//! Answers as Medusa sends them: headers in Express' order, and cross-origin rules.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use express::etag::{Conditions, etag, is_fresh};

use super::call::Answered;
use crate::contracts::medusa::error::{ApiError, CROSS_ORIGIN, JSON, POWERED_BY};
use crate::http::api::Api;
use crate::http::response::BEHIND;

/// The answer to a request that went well; without its body when the client has it already.
pub(super) fn success(parts: &Parts, answered: Answered) -> Response {
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
pub(in crate::http) fn refuse(refused: &ApiError) -> Response {
    let answer = refused.answer();
    let body = if *refused == ApiError::Unauthorized {
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

/// Source: the package cors 2.8, with credentials.
pub(super) fn preflight(headers: &HeaderMap) -> Response {
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
pub(super) fn allow_origin(api: &Api, headers: &HeaderMap, response: &mut Response) {
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

/// Sets headers of our own, whose values are visible ASCII.
pub(super) fn put<'a>(
    headers: &mut HeaderMap,
    pairs: impl IntoIterator<Item = (&'static str, &'a str)>,
) {
    for (name, value) in pairs {
        let value = HeaderValue::from_str(value).expect("our headers are visible ASCII");
        headers.insert(HeaderName::from_static(name), value);
    }
}
