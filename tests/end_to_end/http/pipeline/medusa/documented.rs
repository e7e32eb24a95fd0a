//! Every answer that Medusa's contract documents. Source: contracts, sections 1 to 6.

use devkit::http::Answer;
use hyper::Method;
use serde_json::{Map, Value};

use super::super::ask::Asked;

/// The kinds of answer, each of which a run must meet.
pub(crate) const KINDS: [&str; 15] = [
    "200", "201", "204", "304", "400 HTML", "400 JSON", "401", "404 HTML", "404 JSON", "413",
    "415", "422", "500", "HEAD", "text",
];

/// What a message of a 400 may say.
const INVALID: [&str; 19] = [
    "as_of: this is no point in time",
    "the ledger has not come to this position",
    "members of a group",
    " must be a string",
    " must be an email",
    " must be an object",
    " must be an array",
    " must be a number conforming to the specified constraints",
    " must be a Date instance",
    " must be either object or array",
    " should not be empty",
    " should not exist",
    "an unknown value was passed to the validate function",
    "Email cannot be changed when the user has registered their account",
    "Can't insert null value in field ",
    "Idempotency-Key ",
    "Ledger-Reason ",
    "Ledger-On-Behalf-Of ",
    "more than one ",
];

/// What a message of a 404 may say.
const MISSING: [&str; 4] = [
    "Customer with id: ",
    "CustomerGroup with id ",
    "Customer_group with customer_group_id ",
    "The following customer ids do not exist: ",
];

/// What a message of a 422 may say.
const DUPLICATE: [&str; 6] = [
    "A customer with the given email already has an account. Log in instead",
    "Guest customer with email already exists",
    "Customer with email, has_account ",
    "Customer_group_customers with customer_group_id, customer_id ",
    "Customer_group with name ",
    "Key (name)=(",
];

/// Words of what is below the contract.
const BELOW: [&str; 9] = [
    "sqlx",
    "postgres",
    "panicked",
    ".rs:",
    "syntax error",
    "violates",
    "relation \"",
    "$sealed\":{\"k\"",
    "argon2",
];

const UNKNOWN: &str =
    r#"{"code":"unknown_error","type":"unknown_error","message":"An unknown error occurred."}"#;

pub(super) fn documented(asked: &Asked, answer: &Answer) -> Result<&'static str, String> {
    let header = |name| answer.headers.get(name).and_then(|it| it.to_str().ok());
    let id = header("ledger-request-id").unwrap_or_default();
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("it has no request id".to_owned());
    }
    if header("x-powered-by") != Some("Express") {
        return Err("it is not Express'".to_owned());
    }
    if answer.status >= 400
        && let Some(word) = asked.below(answer, &BELOW)
    {
        return Err(format!("it says {word}"));
    }
    if asked.method == Method::HEAD {
        let silent = answer.body.is_empty()
            && [200, 304, 400, 401, 404, 413, 415, 500].contains(&answer.status);
        return silent.then_some("HEAD").ok_or_else(|| "a HEAD".to_owned());
    }
    match header("content-type") {
        Some("application/json; charset=utf-8") => {
            let tag = header("etag").unwrap_or_default();
            if !tag.starts_with("W/\"") {
                return Err("its tag is not weak".to_owned());
            }
            let Ok(Value::Object(body)) = serde_json::from_str(&answer.body) else {
                return Err("it is no JSON object".to_owned());
            };
            json(asked, answer, &body)
        }
        Some("text/html; charset=utf-8") => html(asked, answer),
        Some("text/plain; charset=utf-8") => text(asked, answer),
        None => bare(asked, answer),
        Some(other) => Err(format!("its type is {other}")),
    }
}

fn json(asked: &Asked, answer: &Answer, body: &Map<String, Value>) -> Result<&'static str, String> {
    let keys: Vec<_> = body.keys().map(String::as_str).collect();
    let message = body
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let error = |code: Option<&str>, kinds: &[&str], texts: &[&str]| {
        let kind = body.get("type").and_then(Value::as_str).unwrap_or_default();
        body.get("code").and_then(Value::as_str) == code
            && keys.len() == 2 + usize::from(code.is_some())
            && kinds.contains(&kind)
            && texts.iter().any(|text| message.contains(text))
    };
    let duplicate = Some("invalid_request_error");
    let (kind, right) = match answer.status {
        200 => ("200", succeeded(asked, &keys)),
        201 => ("201", asked.method == Method::POST && keys == ["customer"]),
        400 => (
            "400 JSON",
            error(None, &["invalid_data", "not_allowed"], &INVALID),
        ),
        404 => (
            "404 JSON",
            error(None, &["not_found"], &MISSING)
                || answer.body == r#"{"type":"not_found","message":"null"}"#,
        ),
        422 => (
            "422",
            error(duplicate, &["duplicate_error"], &DUPLICATE)
                || error(
                    duplicate,
                    &["duplicate_error"],
                    &["Idempotency-Key was already used"],
                ),
        ),
        500 => ("500", answer.body == UNKNOWN),
        _ => ("", false),
    };
    if answer.body.contains("password_hash") && !asked.to_string().contains("password_hash") {
        return Err("it shows a hash".to_owned());
    }
    right
        .then_some(kind)
        .ok_or_else(|| format!("JSON with {keys:?}"))
}

/// Each method and path answers with members of its own.
fn succeeded(asked: &Asked, keys: &[&str]) -> bool {
    let path = asked.path().to_lowercase();
    let path = path.trim_end_matches('/');
    match keys {
        ["user" | "access_token"] => path.contains("/auth"),
        ["customers", "count", "offset", "limit"] => {
            asked.method == Method::GET && path.ends_with("/customers")
        }
        ["count", "customer_groups", "offset", "limit"] => {
            asked.method == Method::GET && path.ends_with("customer-groups")
        }
        ["customer"] => path.contains("/customers/"),
        ["customer_group"] => path.contains("/customer-groups"),
        ["id", "object", "deleted"] => asked.method == Method::DELETE,
        _ => false,
    }
}

fn html(asked: &Asked, answer: &Answer) -> Result<&'static str, String> {
    let titled = |title: &str| answer.body.contains(&format!("<pre>{title}"));
    let (kind, right) = match answer.status {
        400 => ("400 HTML", titled("Bad Request</pre>")),
        404 => ("404 HTML", titled(&format!("Cannot {} /", asked.method))),
        413 => ("413", titled("Payload Too Large</pre>")),
        415 => ("415", titled("Unsupported Media Type</pre>")),
        _ => ("", false),
    };
    right.then_some(kind).ok_or_else(|| "a page".to_owned())
}

/// What the routes of the sessions say.
fn text(asked: &Asked, answer: &Answer) -> Result<&'static str, String> {
    let known = [
        (200, "OK"),
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (429, "Too Many Requests"),
    ];
    let right = asked.path().to_lowercase().contains("/auth")
        && known.contains(&(answer.status, answer.body.as_str()));
    right.then_some("text").ok_or_else(|| "a text".to_owned())
}

/// Answers without a content type.
fn bare(asked: &Asked, answer: &Answer) -> Result<&'static str, String> {
    let (kind, right) = match answer.status {
        204 => (
            "204",
            asked.method == Method::OPTIONS && answer.body.is_empty(),
        ),
        304 => (
            "304",
            asked.has_header("if-none-match") && answer.body.is_empty(),
        ),
        401 => ("401", answer.body == "Unauthorized"),
        _ => ("", false),
    };
    right.then_some(kind).ok_or_else(|| "no type".to_owned())
}
