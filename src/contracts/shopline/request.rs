//! What every request must be before its content is looked at.
//!
//! A handler asks in this order: [`check_content_type`] (requests with a body), [`check_accept`],
//! then [`members`], which checks size, JSON and envelope.
//! Source: SHOPLINE, HTTP status codes.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::error::ApiError;
use super::json;
use super::limits::BODY_BYTES_MAX;
use super::versions::Version;

/// Refuses a body that is not declared as JSON: 400, since SHOPLINE has no 415. Parameters are
/// free: the documentation demands a charset, its own clients send none.
pub(crate) fn check_content_type(content_type: Option<&str>) -> Result<(), ApiError> {
    let media_type = content_type
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    match media_type {
        Some(media_type) if media_type.eq_ignore_ascii_case("application/json") => Ok(()),
        Some(_) | None => Err(ApiError::ContentType),
    }
}

/// Refuses a client that does not take JSON. No header, or an empty one, takes everything.
///
/// Several headers are one, joined by commas. The most specific range that covers JSON decides.
/// Source: RFC 9110 §12.5.1.
pub(crate) fn check_accept(accept: Option<&str>) -> Result<(), ApiError> {
    let accept = accept.unwrap_or_default();
    if accept.trim().is_empty() {
        return Ok(());
    }
    let best = accept
        .split(',')
        .filter_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            let range = parts.next()?.to_ascii_lowercase();
            let specificity = ["*/*", "application/*", "application/json"]
                .iter()
                .position(|covering| *covering == range)?;
            let refused = parts.any(is_zero_weight);
            Some((specificity, !refused))
        })
        .max();
    match best {
        Some((_, true)) => Ok(()),
        Some((_, false)) | None => Err(ApiError::Accept),
    }
}

fn is_zero_weight(parameter: &str) -> bool {
    parameter
        .split_once('=')
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .and_then(|(_, weight)| weight.trim().parse::<f32>().ok())
        .is_some_and(|weight| weight <= 0.0)
}

/// What a body is read with.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The version that was asked.
    pub version: &'static Version,
    /// The store's zone, for times without an offset.
    pub zone: &'a TimeZone,
    /// When the request came.
    pub now: Timestamp,
}

/// The members of the body.
pub fn object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    if body.len() > BODY_BYTES_MAX {
        return Err(ApiError::BodyTooLarge);
    }
    match json::read(body)? {
        Value::Object(members) => Ok(members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(ApiError::NotAnObject)
        }
    }
}

/// The members of the object that the body holds under one name, such as `customer`. Others are not
/// looked at.
pub fn members(body: &[u8], member: &'static str) -> Result<Map<String, Value>, ApiError> {
    match object(body)?.swap_remove(member) {
        None | Some(Value::Null) => Err(ApiError::Required { member }),
        Some(Value::Object(members)) => Ok(members),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            Err(ApiError::WrongType {
                member,
                expected: "an object",
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_the_only_content_type_with_any_parameters() {
        for fine in [
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON;charset=gbk;x=y",
            " application/json ",
        ] {
            assert_eq!(check_content_type(Some(fine)), Ok(()));
        }
        for wrong in [
            None,
            Some(""),
            Some("text/plain"),
            Some("text/json"),
            Some("application/jsonx"),
            Some("application/vnd.api+json"),
            Some("application/x-www-form-urlencoded"),
            Some("multipart/form-data; boundary=application/json"),
        ] {
            let refused = check_content_type(wrong).unwrap_err();
            assert_eq!((refused.status(), refused), (400, ApiError::ContentType));
        }
    }

    #[test]
    fn a_client_must_take_json() {
        for fine in [
            None,
            Some(""),
            Some("*/*"),
            Some("application/json"),
            Some("APPLICATION/JSON; charset=utf-8"),
            Some("application/*"),
            Some("text/html, application/xhtml+xml, */*;q=0.8"),
            Some("*/*;q=0, application/json"),
            Some("application/json;q=0.001"),
        ] {
            assert_eq!(check_accept(fine), Ok(()), "{fine:?}");
        }
        for wrong in [
            "text/html",
            "application/xml",
            "application/json;q=0",
            "*/*, application/json; Q=0.0",
            "nonsense",
            ",",
        ] {
            let refused = check_accept(Some(wrong)).unwrap_err();
            assert_eq!((refused.status(), refused), (406, ApiError::Accept));
        }
    }

    #[test]
    fn a_body_is_read_up_to_one_mebibyte() {
        let body = |length: usize| {
            let empty = br#"{"customer":{}}"#.to_vec();
            [empty, b" ".repeat(length - 15)].concat()
        };
        assert_eq!(members(&body(1_048_576), "customer"), Ok(Map::new()));
        assert_eq!(
            members(&body(1_048_577), "customer"),
            Err(ApiError::BodyTooLarge)
        );
    }

    #[test]
    fn the_envelope_holds_a_customer() {
        assert_eq!(members(br#"{"customer":{}}"#, "customer"), Ok(Map::new()));
        for (body, status) in [
            ("", 400),
            ("[]", 400),
            ("null", 400),
            ("\"customer\"", 400),
            (r#"{"customer":[]}"#, 400),
            (r#"{"customer":"Bob"}"#, 400),
            (r#"{"customer":{}"#, 400),
            (r"{}", 422),
            (r#"{"Customer":{}}"#, 422),
            (r#"{"customer":null}"#, 422),
            (r#"{"email":"bob@example.com"}"#, 422),
        ] {
            let refused = members(body.as_bytes(), "customer").unwrap_err();
            assert_eq!(refused.status(), status, "{body}");
        }
    }
}
