//! The whole answer to a refusal.
//!
//! JSON errors name `code` (if any), `type` and `message`, in this order. What Express itself
//! refuses is an HTML page, and a missing proof of identity is a bare text.

use express::etag::etag;
use serde::Serialize;

use super::ApiError;
use super::message::body_title;
use super::page::{cannot, page};

/// An answer, save for the headers that every answer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers of this answer: [`POWERED_BY`] first, then those of the request's stage and kind.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// On every answer.
pub(crate) const POWERED_BY: (&str, &str) = ("x-powered-by", "Express");
/// On every answer to a request that got as far as `/admin`'s cross-origin rules.
pub(crate) const CROSS_ORIGIN: [(&str, &str); 2] = [
    ("vary", "Origin"),
    ("access-control-allow-credentials", "true"),
];
/// The content type of every JSON answer.
pub const JSON: &str = "application/json; charset=utf-8";
/// The content type of an answer that is only a word.
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";

impl ApiError {
    /// The whole answer.
    pub fn answer(&self) -> Answer {
        let status = self.status();
        let (kind, body) = match self {
            Self::Body(error) => (Kind::Html, page(body_title(*error))),
            Self::NoRoute { method, path, .. } => (Kind::Html, cannot(method, path)),
            Self::Unauthorized => (Kind::Bare, "Unauthorized".to_owned()),
            Self::LoginFailed | Self::LoginThrottled { .. } | Self::UserUnknown => {
                (Kind::Text, self.message())
            }
            Self::Invalid(_)
            | Self::EmailFixed
            | Self::NotNull { .. }
            | Self::TooLong { .. }
            | Self::Past(_)
            | Self::CustomerUnknown { .. }
            | Self::GroupUnknown { .. }
            | Self::JoinsUnknownGroup { .. }
            | Self::JoinsTwice { .. }
            | Self::AccountExists
            | Self::GuestExists
            | Self::EmailTaken { .. }
            | Self::GroupNameTaken { .. }
            | Self::GroupRenameTaken { .. }
            | Self::MembersUnknown { .. }
            | Self::Header(_)
            | Self::KeyReused
            | Self::Conflict
            | Self::Unavailable
            | Self::Unknown => (Kind::Json, json(status, &self.message())),
        };
        let mut headers = vec![POWERED_BY];
        if self.is_past_cross_origin() {
            headers.extend(CROSS_ORIGIN);
        }
        let mut headers: Vec<_> = headers
            .into_iter()
            .chain(kind.headers().iter().copied())
            .map(|(name, value)| (name, value.to_owned()))
            .collect();
        if matches!(kind, Kind::Json | Kind::Text) {
            headers.push(("etag", etag(body.as_bytes())));
        }
        if let Self::LoginThrottled { seconds } = self {
            headers.push(("retry-after", seconds.to_string()));
        }
        Answer {
            status,
            headers,
            body,
        }
    }

    const fn is_past_cross_origin(&self) -> bool {
        !matches!(
            self,
            Self::Body(_)
                | Self::NoRoute {
                    in_admin: false,
                    ..
                }
        )
    }
}

/// Medusa's JSON error. Its type and code follow from the status.
fn json(status: u16, message: &str) -> String {
    #[derive(Serialize)]
    struct Error<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'static str>,
        r#type: &'static str,
        message: &'a str,
    }
    let (code, r#type) = match status {
        400 => (None, "invalid_data"),
        404 => (None, "not_found"),
        409 => (Some("invalid_state_error"), "conflict"),
        422 => (Some("invalid_request_error"), "duplicate_error"),
        _ => (Some("unknown_error"), "unknown_error"),
    };
    let error = Error {
        code,
        r#type,
        message,
    };
    serde_json::to_string(&error).expect("texts always serialise")
}

enum Kind {
    Json,
    Html,
    /// Express' `sendStatus`.
    Text,
    Bare,
}

impl Kind {
    const fn headers(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Json => &[("content-type", JSON)],
            Self::Html => &[
                ("content-security-policy", "default-src 'none'"),
                ("x-content-type-options", "nosniff"),
                ("content-type", "text/html; charset=utf-8"),
            ],
            Self::Text => &[("content-type", TEXT)],
            Self::Bare => &[],
        }
    }
}
