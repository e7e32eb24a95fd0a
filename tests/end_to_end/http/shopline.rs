//! SHOPLINE's contract over HTTP: its documented examples, its refusals, and what every answer has.

/// A documented example.
macro_rules! example {
    ($name:literal) => {
        serde_json::from_str::<serde_json::Value>(include_str!(concat!(
            "../../../conformance/shopline/",
            $name
        )))
        .unwrap()
    };
}

mod addresses;
mod apps;
mod bodies;
mod customers;
mod examples;
mod lists;
mod model;
mod rate;
mod refusals;
mod tokens;
mod versions;

use devkit::http::{Answer, Call};
use hyper::Method;
use serde_json::Value;

use crate::support::shop::Server;

/// A request of nobody: without a token.
fn anonymous(server: &Server, method: Method, path: &str) -> Call {
    Call::new(method, &server.base, &format!("/admin/openapi/{path}"))
}

/// What every refusal is, whatever it says.
#[track_caller]
fn assert_refused(answer: &Answer, status: u16, errors: &str) {
    assert_eq!(answer.status, status, "{errors}: {}", answer.body);
    assert_eq!(
        answer.header("content-type"),
        "application/json; charset=utf-8"
    );
    let body = answer.json();
    let members: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["errors"]);
    assert_eq!(body["errors"], Value::from(errors));
    assert_traced(answer);
}

#[track_caller]
fn assert_traced(answer: &Answer) {
    let id = answer.header("traceid");
    assert_eq!(id, answer.header("ledger-request-id"));
    let hex = id
        .bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    assert!(hex && id.len() == 32, "{id}");
}
