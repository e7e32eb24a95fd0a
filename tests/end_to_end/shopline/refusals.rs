//! Requests that ask for what cannot be: the status and the words, nothing appended, the refusal
//! kept without a value.

use hyper::Method;
use serde_json::{Value, json};
use sqlx::Row as _;

use super::{anonymous, assert_refused, assert_traced};
use crate::support::http::Answer;
use crate::support::shop::Shop;
use crate::support::wait;

/// A refusal as the ledger keeps it.
pub(super) struct Kept {
    pub(super) status: i32,
    pub(super) kind: String,
    pub(super) fields: Vec<String>,
    whole: String,
}

/// Waits until a refusal is kept.
pub(super) async fn kept(shop: &Shop, answer: &Answer) -> Kept {
    let id = answer.header("ledger-request-id").to_owned();
    wait::until("the refusal is kept", async || {
        let row = sqlx::query(
            "select status, kind, fields, r::text from refusals r where request_id = $1",
        )
        .bind(&id)
        .fetch_optional(&shop.database.pool)
        .await
        .unwrap()?;
        Some(Kept {
            status: row.get(0),
            kind: row.get(1),
            fields: row.get(2),
            whole: row.get(3),
        })
    })
    .await
}

/// What is asked, the status, what SHOPLINE says, and the field that the ledger keeps.
fn refused() -> Vec<(Value, u16, &'static str, &'static str)> {
    let long = |length: usize| "x".repeat(length);
    let address = |member: &str, value: Value| json!({ "addresses": [{ member: value }] });
    let many_tags = (0..101)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(",");
    vec![
        (
            json!({ "gender": "1" }),
            400,
            "gender must be an integer",
            "gender",
        ),
        (
            json!({ "gender": 1.5 }),
            400,
            "gender must be an integer",
            "gender",
        ),
        (json!({ "note": 5 }), 400, "note must be a string", "note"),
        (
            json!({ "email": ["secret-value"] }),
            400,
            "email must be a string",
            "email",
        ),
        (
            json!({ "tags": ["secret-value"] }),
            400,
            "tags must be a string",
            "tags",
        ),
        (
            json!({ "accepts_marketing": "true" }),
            400,
            "accepts_marketing must be a boolean",
            "accepts_marketing",
        ),
        (
            json!({ "addresses": {} }),
            400,
            "addresses must be an array",
            "addresses",
        ),
        (
            json!({ "addresses": ["secret-value"] }),
            400,
            "addresses must be an array of objects",
            "addresses",
        ),
        (
            address("zip", json!(40202)),
            400,
            "addresses.zip must be a string",
            "addresses.zip",
        ),
        (
            address("default", json!(1)),
            400,
            "addresses.default must be a boolean",
            "addresses.default",
        ),
        (
            json!({ "gender": 4 }),
            422,
            "gender must be 0, 1, 2 or 3",
            "gender",
        ),
        (
            json!({ "gender": -1 }),
            422,
            "gender must be 0, 1, 2 or 3",
            "gender",
        ),
        (
            json!({ "birthday": "1999-03-04" }),
            422,
            "birthday must be a date of the form yyyyMMdd",
            "birthday",
        ),
        (
            json!({ "birthday": "19990230" }),
            422,
            "birthday must be a date of the form yyyyMMdd",
            "birthday",
        ),
        (
            json!({ "email": "secret-value" }),
            422,
            "email must be an e-mail address",
            "email",
        ),
        (
            json!({ "email": "@x" }),
            422,
            "email must be an e-mail address",
            "email",
        ),
        (
            json!({ "note": "secret-value\0" }),
            422,
            "note must not contain the character U+0000",
            "note",
        ),
        (
            json!({ "first_name": long(129) }),
            422,
            "first_name has 129 characters, at most 128 are allowed",
            "first_name",
        ),
        (
            json!({ "last_name": long(129) }),
            422,
            "last_name has 129 characters, at most 128 are allowed",
            "last_name",
        ),
        (
            json!({ "phone": long(21) }),
            422,
            "phone has 21 characters, at most 20 are allowed",
            "phone",
        ),
        (
            json!({ "note": long(1001) }),
            422,
            "note has 1001 characters, at most 1000 are allowed",
            "note",
        ),
        (
            json!({ "email": format!("{}@b", long(49)) }),
            422,
            "email has 51 characters, at most 50 are allowed",
            "email",
        ),
        (
            json!({ "tags": long(101) }),
            422,
            "tags[] has 101 characters, at most 100 are allowed",
            "tags[]",
        ),
        (
            json!({ "tags": many_tags }),
            422,
            "tags has 101 items, at most 100 are allowed",
            "tags",
        ),
        (
            address("zip", json!(long(11))),
            422,
            "addresses.zip has 11 characters, at most 10 are allowed",
            "addresses.zip",
        ),
        (
            address("phone", json!(long(17))),
            422,
            "addresses.phone has 17 characters, at most 16 are allowed",
            "addresses.phone",
        ),
        (
            address("city", json!(long(65))),
            422,
            "addresses.city has 65 characters, at most 64 are allowed",
            "addresses.city",
        ),
        (
            address("id", json!("secret-value")),
            422,
            "addresses.id must be the id of an address of this customer",
            "addresses.id",
        ),
        (
            json!({ "email": "", "phone": "" }),
            422,
            "email or phone is required",
            "",
        ),
        (
            json!({ "email": "TAKEN@example.com" }),
            422,
            "email has already been taken",
            "email",
        ),
        (
            json!({ "phone": "(555) 0001" }),
            422,
            "phone has already been taken",
            "phone",
        ),
    ]
}

#[tokio::test]
async fn a_wrong_type_or_value_is_refused_kept_without_its_value_and_changes_nothing() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let taken = json!({ "email": "taken@example.com", "phone": "5550001" });
    server.app_customer(&taken).await;
    let known = server.guest("g@example.com").await;
    let head = shop.head().await;
    for (customer, status, errors, field) in refused() {
        let mut customer = customer;
        // Whatever else is fine in the request is not applied either.
        customer["last_name"] = customer
            .get("last_name")
            .cloned()
            .unwrap_or(json!("Applied"));
        let answer = server.put(&known.shopline, &customer).await;
        assert_refused(&answer, status, errors);
        let kept = kept(&shop, &answer).await;
        assert_eq!(
            (kept.status, kept.fields.join(",")),
            (i32::from(status), field.to_owned())
        );
        for value in [
            "secret-value",
            "TAKEN",
            "0001)",
            "xxx",
            "Applied",
            &known.shopline,
        ] {
            assert!(!kept.whole.contains(value), "{}", kept.whole);
        }
        assert!(
            kept.whole.contains("PUT customers/{id}.json"),
            "{}",
            kept.whole
        );
    }
    assert_eq!(shop.head().await, head);
    let log = server.log.lock().unwrap().clone();
    assert!(!log.contains("secret-value") && !log.contains("TAKEN"));
}

#[tokio::test]
async fn a_request_without_a_customer_is_refused_and_an_empty_customer_is_none() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let head = shop.head().await;
    for (body, status, errors) in [
        (json!({}), 422, "customer is required"),
        (json!({ "customer": null }), 422, "customer is required"),
        (json!({ "customer": [] }), 400, "customer must be an object"),
        (
            json!({ "customer": "x" }),
            400,
            "customer must be an object",
        ),
    ] {
        let path = format!("customers/{}.json", known.shopline);
        let answer = server.shopline(Method::PUT, &path).json(&body).send().await;
        assert_refused(&answer, status, errors);
        assert_eq!(kept(&shop, &answer).await.fields, ["customer"]);
    }
    server.put(&known.shopline, &json!({})).await.ok();
    assert_eq!(shop.head().await, head);
    let answer = server.post_shopline(&json!({})).await;
    assert_refused(&answer, 422, "email or phone is required");
}

#[tokio::test]
async fn an_unknown_customer_is_406_and_an_unknown_route_version_or_method_404() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let head = shop.head().await;
    let nowhere = "The requested data does not exist.";
    let long = "1".repeat(65);
    for id in ["4299999999", "nope", "%00", &long, known.medusa.as_str()] {
        let answer = server.put(id, &json!({ "note": "n" })).await;
        assert_refused(&answer, 406, nowhere);
        assert_eq!(kept(&shop, &answer).await.kind, "customer_unknown");
        assert_refused(&server.get_shopline(id).await, 406, nowhere);
    }
    let route = "The requested resource does not exist.";
    let version = "The requested API version does not exist.";
    for (method, path, errors) in [
        (
            Method::PUT,
            "v20220902/customers/1.json".to_owned(),
            version,
        ),
        (Method::PUT, "latest/customers/1.json".to_owned(), version),
        (Method::GET, "v20220901/customers/1.json".to_owned(), route),
        (
            Method::PATCH,
            format!("v20220901/customers/{}.json", known.shopline),
            route,
        ),
        (
            Method::PUT,
            format!("v20220901/customers/{}", known.shopline),
            route,
        ),
        (
            Method::PUT,
            format!("v20220901/customers/{}.json/", known.shopline),
            route,
        ),
        (Method::PUT, "v20220901/nothing.json".to_owned(), route),
        (Method::GET, String::new(), route),
        (
            Method::PUT,
            "v20220901/customers/%FF.json".to_owned(),
            route,
        ),
    ] {
        let token = format!("Bearer {}", shop.shopline_token);
        let call = anonymous(&server, method, &path).header("authorization", &token);
        assert_refused(
            &call.json(&json!({ "customer": {} })).send().await,
            404,
            errors,
        );
    }
    assert_eq!(shop.head().await, head);
}

#[tokio::test]
async fn a_callers_trace_is_taken_over_by_answers_refusals_and_events() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let path = format!("customers/{}.json", known.shopline);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let put = |customer: Value| {
        let call = server
            .shopline(Method::PUT, &path)
            .json(&json!({ "customer": customer }));
        call.header("traceparent", &format!("00-{trace}-00f067aa0ba902b7-01"))
            .send()
    };
    for (customer, status) in [(json!({ "note": 5 }), 400), (json!({ "note": "n" }), 200)] {
        let answer = put(customer).await;
        assert_eq!((answer.status, answer.header("traceid")), (status, trace));
        assert_eq!(answer.header("ledger-request-id"), trace);
        if status == 400 {
            kept(&shop, &answer).await;
        }
    }
    let request: String = sqlx::query_scalar(
        "select metadata->>'request_id' from events where event_type = 'CustomerUpdated'",
    )
    .fetch_one(&shop.database.pool)
    .await
    .unwrap();
    assert_eq!(request, trace);
    let answer = server.shopline(Method::GET, "customers/v2/1.json");
    let answer = answer.header("traceparent", "00-nonsense-1-1").send().await;
    assert_traced(&answer);
}
