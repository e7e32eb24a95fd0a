//! Every answer that SHOPLINE's contract documents. Source: contracts, sections a to f.

use devkit::http::Answer;
use hyper::Method;
use serde_json::{Map, Value};

use super::super::ask::Asked;

/// The kinds of answer, each of which a run must meet.
pub(crate) const KINDS: [&str; 7] = ["200", "400", "401", "403", "404", "406", "422"];

/// What each 200 holds: exactly these members, for a method and the end of a path.
const BODIES: [(Method, &str, &[&str]); 10] = [
    (Method::POST, "send_invite.json", &["customer_invite"]),
    (Method::POST, "account_activation_url.json", &["data"]),
    (Method::POST, "addresses/list.json", &["user_address"]),
    (Method::POST, "customer_tags_remove.json", &[]),
    (Method::GET, "orders.json", &["list"]),
    (Method::GET, "subscribe.json", &["user_subscribe_info_list"]),
    (Method::GET, "v2/customers.json", &["customers"]),
    (Method::GET, "v2/search.json", &["customers"]),
    (Method::GET, "v2/count.json", &["count"]),
    (Method::POST, "addresses.json", &["customer_address"]),
];

/// Words of what is below the contract.
const BELOW: [&str; 8] = [
    "sqlx",
    "postgres",
    "panicked",
    ".rs:",
    "syntax error at",
    "violates",
    "relation \"",
    "argon2",
];

pub(super) fn documented(asked: &Asked, answer: &Answer) -> Result<&'static str, String> {
    let header = |name| answer.headers.get(name).and_then(|it| it.to_str().ok());
    let trace = header("traceid").unwrap_or_default();
    let is_hex = trace.bytes().all(|byte| byte.is_ascii_hexdigit());
    if trace.len() != 32 || !is_hex || header("ledger-request-id") != Some(trace) {
        return Err("it has no trace id".to_owned());
    }
    if header("content-type") != Some("application/json; charset=utf-8") {
        return Err("it is not JSON".to_owned());
    }
    if asked.method == Method::HEAD {
        let silent = answer.body.is_empty() && matches!(answer.status, 404 | 401);
        return silent.then_some("404").ok_or_else(|| "a HEAD".to_owned());
    }
    let Ok(Value::Object(body)) = serde_json::from_str(&answer.body) else {
        return Err("it is no JSON object".to_owned());
    };
    if answer.status == 200 {
        return succeeded(asked, &body)
            .then_some("200")
            .ok_or_else(|| "a 200".to_owned());
    }
    if let Some(word) = asked.below(answer, &BELOW) {
        return Err(format!("it says {word}"));
    }
    let kind = KINDS
        .iter()
        .find(|kind| **kind == answer.status.to_string());
    let errors = body
        .get("errors")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if errors.is_empty() || body.len() != 1 {
        return Err("errors is no text, or not alone".to_owned());
    }
    kind.copied()
        .ok_or_else(|| "its status is not documented".to_owned())
}

fn succeeded(asked: &Asked, body: &Map<String, Value>) -> bool {
    let keys: Vec<_> = body.keys().map(String::as_str).collect();
    let known = BODIES
        .iter()
        .find(|(method, end, _)| *method == asked.method && asked.path().ends_with(end));
    match known {
        Some((_, _, members)) => keys == *members,
        None if asked.path().contains("/addresses/") => {
            keys == ["customer_address"] || (asked.method != Method::GET && keys.is_empty())
        }
        None => keys == ["customer"],
    }
}
