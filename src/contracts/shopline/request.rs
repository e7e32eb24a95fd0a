//! The door: what every request must be before its content is looked at.
//!
//! A handler asks in this order: [`check_content_type`] (requests with a body), [`check_accept`],
//! then [`members`], which checks size, JSON and envelope.
//! Source: SHOPLINE, HTTP status codes.

use serde_json::{Map, Value};

use super::json;
use super::refused::Refused;

/// The largest body that is read.
pub const BODY_BYTES_MAX: usize = 1_048_576;

/// Refuses a body that is not declared as JSON: 400, since SHOPLINE has no 415. Parameters are
/// free: the documentation demands a charset, its own clients send none.
pub fn check_content_type(content_type: Option<&str>) -> Result<(), Refused> {
    let media_type = content_type
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    match media_type {
        Some(media_type) if media_type.eq_ignore_ascii_case("application/json") => Ok(()),
        Some(_) | None => Err(Refused::ContentType),
    }
}

/// Refuses a client that does not take JSON. No header, or an empty one, takes everything.
///
/// Several headers are one, joined by commas. The most specific range that covers JSON decides.
/// Source: RFC 9110 §12.5.1.
pub fn check_accept(accept: Option<&str>) -> Result<(), Refused> {
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
        Some((_, false)) | None => Err(Refused::Accept),
    }
}

fn is_zero_weight(parameter: &str) -> bool {
    parameter
        .split_once('=')
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .and_then(|(_, weight)| weight.trim().parse::<f32>().ok())
        .is_some_and(|weight| weight <= 0.0)
}

/// The members of the object that the body holds under `customer`. Other members are not looked at.
pub fn members(body: &[u8]) -> Result<Map<String, Value>, Refused> {
    if body.len() > BODY_BYTES_MAX {
        return Err(Refused::BodyTooLarge);
    }
    let Value::Object(mut envelope) = json::read(body)? else {
        return Err(Refused::WrongType {
            member: "The body",
            expected: "an object",
        });
    };
    match envelope.swap_remove("customer") {
        None | Some(Value::Null) => Err(Refused::CustomerRequired),
        Some(Value::Object(members)) => Ok(members),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            Err(Refused::WrongType {
                member: "customer",
                expected: "an object",
            })
        }
    }
}
