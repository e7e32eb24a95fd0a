//! Requests that ask for what cannot be: the status and the words, nothing appended, the refusal
//! kept without a value.

use devkit::http::Answer;
use devkit::wait;
use hyper::Method;
use serde_json::{Value, json};
use sqlx::Row as _;

use super::{anonymous, assert_refused, assert_traced};
use crate::support::shop::Shop;

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

/// A customer that is asked for, what SHOPLINE says of it, and the field that the ledger keeps.
type Refused = (Value, String, String);

fn refused(customer: Value, errors: &str, field: &str) -> Refused {
    (customer, errors.to_owned(), field.to_owned())
}

/// A member of the customer, or of an address of it.
fn with(member: &str, value: &Value) -> Value {
    match member.strip_prefix("addresses.") {
        Some(member) => json!({ "addresses": [{ member: value }] }),
        None => json!({ member: value }),
    }
}

/// 400.
fn wrong_types() -> Vec<Refused> {
    let cases = [
        ("gender", json!("1"), "an integer"),
        ("gender", json!(1.5), "an integer"),
        ("note", json!(5), "a string"),
        ("email", json!(["secret-value"]), "a string"),
        ("tags", json!(["secret-value"]), "a string"),
        ("accepts_marketing", json!("true"), "a boolean"),
        ("addresses", json!({}), "an array"),
        ("addresses", json!(["secret-value"]), "an array of objects"),
        ("addresses.zip", json!(40202), "a string"),
        ("addresses.default", json!(1), "a boolean"),
    ];
    let refused = |(member, value, expected): &(&str, Value, &str)| {
        refused(
            with(member, value),
            &format!("{member} must be {expected}"),
            member,
        )
    };
    cases.iter().map(refused).collect()
}

/// 422.
fn wrong_values() -> Vec<Refused> {
    let date = "birthday must be a date of the form yyyyMMdd";
    let gender = "gender must be 0, 1, 2 or 3";
    let unknown = "addresses.id must be the id of an address of this customer";
    let nul = "note must not contain the character U+0000";
    let cases = [
        ("gender", json!(4), gender),
        ("gender", json!(-1), gender),
        ("birthday", json!("1999-03-04"), date),
        ("birthday", json!("19990230"), date),
        (
            "email",
            json!("secret-value"),
            "email must be an e-mail address",
        ),
        ("email", json!("@x"), "email must be an e-mail address"),
        ("note", json!("secret-value\0"), nul),
        ("addresses.id", json!("secret-value"), unknown),
        (
            "email",
            json!("TAKEN@example.com"),
            "email has already been taken",
        ),
        ("phone", json!("(555) 0001"), "phone has already been taken"),
    ];
    let mut all: Vec<_> = cases
        .iter()
        .map(|(member, value, errors)| refused(with(member, value), errors, member))
        .collect();
    let nobody = json!({ "email": "", "phone": "" });
    all.push(refused(nobody, "email or phone is required", ""));
    all
}

/// 422: each limit that a request can pass, by one.
fn over_limits() -> Vec<Refused> {
    let limits = [
        ("first_name", 128),
        ("last_name", 128),
        ("phone", 20),
        ("note", 1000),
        ("addresses.first_name", 128),
        ("addresses.address1", 255),
        ("addresses.city", 64),
        ("addresses.province_code", 50),
        ("addresses.phone", 16),
        ("addresses.zip", 10),
    ];
    let errors = |field: &str, unit: &str, limit: usize| {
        format!(
            "{field} has {} {unit}, at most {limit} are allowed",
            limit + 1
        )
    };
    let mut all: Vec<_> = limits
        .iter()
        .map(|(member, limit)| {
            let long = json!("x".repeat(limit + 1));
            refused(
                with(member, &long),
                &errors(member, "characters", *limit),
                member,
            )
        })
        .collect();
    let numbers: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    for (member, value, field, unit, limit) in [
        (
            "email",
            format!("{}@b", "x".repeat(49)),
            "email",
            "characters",
            50,
        ),
        ("tags", "x".repeat(101), "tags[]", "characters", 100),
        ("tags", numbers.join(","), "tags", "items", 100),
    ] {
        all.push(refused(
            with(member, &json!(value)),
            &errors(field, unit, limit),
            field,
        ));
    }
    all
}

#[tokio::test]
async fn a_wrong_type_or_value_is_refused_kept_without_its_value_and_changes_nothing() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let taken = json!({ "email": "taken@example.com", "phone": "5550001" });
    server.app_customer(&taken).await;
    let known = server.guest("g@example.com").await;
    let head = shop.head().await;
    let refused_400 = wrong_types().into_iter().map(|refused| (400, refused));
    let refused_422 = wrong_values()
        .into_iter()
        .chain(over_limits())
        .map(|refused| (422, refused));
    for (status, (mut customer, errors, field)) in refused_400.chain(refused_422) {
        // Whatever else is fine in the request is not applied either.
        customer["last_name"] = customer
            .get("last_name")
            .cloned()
            .unwrap_or(json!("Applied"));
        let answer = server.put(&known.shopline, &customer).await;
        assert_refused(&answer, status, &errors);
        let kept = kept(&shop, &answer).await;
        assert_eq!(
            (kept.status, kept.fields.join(",")),
            (i32::from(status), field)
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
