use super::*;
use crate::contracts::medusa::refusal::Asked;
use crate::contracts::medusa::violation::Broken;
use crate::domain::customer::{METADATA_BYTES_MAX, Refusal, Unit};

const fn update(id: &str) -> Asked<'_> {
    Asked::UpdateCustomer {
        id,
        email: "",
        groups: &[],
    }
}

#[track_caller]
fn check(refused: &ApiError, status: u16, body: &str) {
    let answer = refused.answer();
    assert_eq!((answer.status, answer.body.as_str()), (status, body));
}

fn no_route(method: &str, path: &str) -> ApiError {
    ApiError::NoRoute {
        method: method.to_owned(),
        path: path.to_owned(),
        in_admin: path.starts_with("/admin"),
    }
}

fn names(refused: &ApiError) -> Vec<&'static str> {
    refused
        .answer()
        .headers
        .iter()
        .map(|(name, _)| *name)
        .collect()
}

#[test]
fn json_errors_are_the_recorded_ones() {
    check(
        &ApiError::Invalid(vec![Violation::Broken {
            property: "email",
            rule: Broken::Email,
        }]),
        400,
        r#"{"type":"invalid_data","message":"email must be an email"}"#,
    );
    check(
        &update("cus_nope").customer_refused(Refusal::NotFound),
        404,
        r#"{"type":"not_found","message":"Customer with id: cus_nope was not found"}"#,
    );
    check(
        &ApiError::GroupUnknown { id: "x".into() },
        404,
        r#"{"type":"not_found","message":"CustomerGroup with id x was not found"}"#,
    );
    for (group, message) in [
        (
            "cgrp_nope",
            "Customer_group with customer_group_id cgrp_nope does not exist.",
        ),
        ("no such id", "null"),
        ("", "null"),
    ] {
        let group = group.to_owned();
        let body = format!(r#"{{"type":"not_found","message":"{message}"}}"#);
        check(&ApiError::JoinsUnknownGroup { group }, 404, &body);
    }
    check(
        &ApiError::Unknown,
        500,
        r#"{"code":"unknown_error","type":"unknown_error","message":"An unknown error occurred."}"#,
    );
    check(
        &ApiError::Conflict,
        409,
        r#"{"code":"invalid_state_error","type":"conflict","message":"The request conflicted with another request. You may retry the request with the provided Idempotency-Key."}"#,
    );
}

#[test]
fn metadata_that_grew_too_long_is_named() {
    let refusal = Refusal::TooLong {
        field: "metadata",
        unit: Unit::Bytes,
        count: 1_048_577,
        limit: METADATA_BYTES_MAX,
    };
    let asked = Asked::UpdateGroup {
        id: "cgrp_1",
        name: "",
    };
    let refused = asked.group_refused(refusal.into());
    check(
        &refused,
        400,
        r#"{"type":"invalid_data","message":"metadata has 1048577 bytes, at most 1048576 are allowed"}"#,
    );
    assert_eq!(refused.fields(), ["metadata"]);
}

#[test]
fn duplicates_are_the_recorded_ones() {
    let body = |message: &str| {
        format!(
            r#"{{"code":"invalid_request_error","type":"duplicate_error","message":"{message}"}}"#
        )
    };
    check(
        &Asked::CreateCustomer.email_taken(true),
        422,
        &body("A customer with the given email already has an account. Log in instead"),
    );
    check(
        &Asked::CreateCustomer.email_taken(false),
        422,
        &body("Guest customer with email already exists"),
    );
    let taken = ApiError::EmailTaken {
        email: "g@x.com".into(),
        has_account: false,
    };
    let message = "Customer with email, has_account g@x.com, f already exists.";
    check(&taken, 422, &body(message));
    let twice = Refusal::GroupTwice {
        group: "01G".into(),
    };
    let groups = [("cgrp_01G".into(), "01G".into())];
    let asked = Asked::UpdateCustomer {
        id: "cus_1",
        email: "",
        groups: &groups,
    };
    check(
        &asked.customer_refused(twice),
        422,
        &body(
            "Customer_group_customers with customer_group_id, customer_id cgrp_01G, cus_1 \
             already exists.",
        ),
    );
    let taken = ApiError::EmailTaken {
        email: "a=b@x.com".into(),
        has_account: true,
    };
    let message = "Customer with email, has_account a b@x.com, t already exists.";
    check(&taken, 422, &body(message));
    let name = "vip (a=1)".to_owned();
    check(
        &ApiError::GroupNameTaken { name: name.clone() },
        422,
        &body("Key (name)=(vip (a=1)) already exists."),
    );
    check(
        &ApiError::GroupRenameTaken { name },
        422,
        &body("Customer_group with name vip a 1 already exists."),
    );
}

#[test]
fn unknown_members_are_named_in_a_json_text() {
    let ids = vec!["cus_a".to_owned(), r#"say "b""#.to_owned()];
    check(
        &ApiError::MembersUnknown { ids },
        404,
        r#"{"type":"not_found","message":"The following customer ids do not exist: \"cus_a, say \\\"b\\\"\""}"#,
    );
}

#[test]
fn express_refuses_in_html() {
    let html = |text: &str| {
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>\
             Error</title>\n</head>\n<body>\n<pre>{text}</pre>\n</body>\n</html>\n"
        )
    };
    for (error, status, title) in [
        (BodyError::Malformed, 400, "Bad Request"),
        (BodyError::TooLarge, 413, "Payload Too Large"),
        (BodyError::Unsupported, 415, "Unsupported Media Type"),
    ] {
        check(&ApiError::Body(error), status, &html(title));
    }
    for (path, shown) in [
        ("/admin/no-such-thing", "/admin/no-such-thing"),
        ("/%", "/%25"),
        ("/%41%4", "/%41%254"),
        ("/<a>'&\"", "/%3Ca%3E&#39;&amp;%22"),
        ("/[x]{y}^", "/[x]%7By%7D%5E"),
    ] {
        check(
            &no_route("GET", path),
            404,
            &html(&format!("Cannot GET {shown}")),
        );
    }
}

#[test]
fn headers_tell_the_stage_and_the_kind() {
    let html = [
        "content-security-policy",
        "x-content-type-options",
        "content-type",
    ];
    let cross_origin = ["vary", "access-control-allow-credentials"];
    let expect = |parts: &[&[&'static str]]| [&["x-powered-by"], &parts.concat()[..]].concat();
    let body = ApiError::Body(BodyError::Malformed);
    assert_eq!(names(&body), expect(&[&html]));
    assert_eq!(names(&no_route("GET", "/x")), expect(&[&html]));
    let in_admin = no_route("PUT", "/admin/customers/1");
    assert_eq!(names(&in_admin), expect(&[&cross_origin, &html]));
    assert_eq!(names(&ApiError::Unauthorized), expect(&[&cross_origin]));
    let json = ["content-type", "etag"];
    assert_eq!(names(&ApiError::Unknown), expect(&[&cross_origin, &json]));
}
