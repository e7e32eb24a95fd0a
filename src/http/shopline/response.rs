//! Answers as SHOPLINE sends them.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use events::ids::RequestId;

use crate::contracts::shopline::error::ApiError;
use crate::http::request::header_value;
use crate::http::response::{BEHIND, json};

/// What an endpoint answers when nothing goes wrong.
pub(super) struct Answered {
    pub(super) body: String,
    /// Where further pages are.
    pub(super) link: Option<String>,
    /// By how many positions what is shown may be behind, if it is.
    pub(super) behind: Option<i64>,
}

impl Answered {
    pub(super) const fn ok(body: String) -> Self {
        Self {
            body,
            link: None,
            behind: None,
        }
    }

    pub(super) fn response(self) -> Response {
        let mut response = json(StatusCode::OK, self.body);
        let headers = response.headers_mut();
        if let Some(link) = self.link {
            let link = HeaderValue::from_str(&link).expect("a link is visible ASCII");
            headers.insert(header::LINK, link);
        }
        if let Some(behind) = self.behind {
            headers.insert(BEHIND, HeaderValue::from(behind));
        }
        response
    }
}

/// SHOPLINE's own answer to a refusal.
pub(in crate::http) fn refuse(id: &RequestId, refused: &ApiError) -> Response {
    let status = StatusCode::from_u16(refused.status());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, refused.body());
    if *refused == ApiError::TooManyRequests {
        // There is room for one within a quarter of a second; the header knows whole ones.
        let second = HeaderValue::from_static("1");
        response.headers_mut().insert(header::RETRY_AFTER, second);
    }
    traced(id, response)
}

pub(super) fn traced(id: &RequestId, mut response: Response) -> Response {
    response.headers_mut().insert("traceid", header_value(id));
    response
}
