//! Requests that cannot be read: their type, their length, their syntax.

use devkit::http::Answer;
use hyper::Method;

use super::refusals::kept;
use super::{anonymous, assert_refused, assert_traced};
use crate::support::shop::{Server, Shop};

/// Asks with this body of this type.
async fn send(server: &Server, id: &str, body: &[u8], content_type: Option<&str>) -> Answer {
    let path = format!("customers/{id}.json");
    let call = server.shopline(Method::PUT, &path);
    match content_type {
        Some(content_type) => call.body(body.to_vec(), content_type).send().await,
        None => call.send().await,
    }
}

#[tokio::test]
async fn only_json_is_taken_with_any_parameters() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let body = br#"{"customer":{}}"#;
    for fine in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;x=y",
    ] {
        send(&server, &known.shopline, body, Some(fine)).await.ok();
    }
    for wrong in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some(""),
    ] {
        let answer = send(&server, &known.shopline, body, wrong).await;
        assert_refused(&answer, 400, "Content-Type must be application/json");
        assert_eq!(kept(&shop, &answer).await.kind, "content_type");
    }
}

#[tokio::test]
async fn a_client_that_takes_no_json_is_refused() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let path = format!("customers/v2/{}.json", known.shopline);
    let read = |accept: &str| {
        server
            .shopline(Method::GET, &path)
            .header("accept", accept)
            .send()
    };
    for fine in [
        "",
        "*/*",
        "application/json",
        "text/html, application/*;q=0.1",
    ] {
        read(fine).await.ok();
    }
    for wrong in [
        "text/html",
        "application/xml",
        "application/json;q=0",
        "*/*;q=0",
    ] {
        let answer = read(wrong).await;
        assert_refused(&answer, 406, "Accept must allow application/json");
        assert_eq!(kept(&shop, &answer).await.kind, "accept");
    }
}

fn padded(length: usize) -> Vec<u8> {
    let mut body = br#"{"customer":{"note":"n"}}"#.to_vec();
    body.resize(length, b' ');
    body
}

#[tokio::test]
async fn a_body_of_one_mebibyte_is_taken_and_one_byte_more_is_not() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let json = Some("application/json");
    send(&server, &known.shopline, &padded(1_048_576), json)
        .await
        .ok();
    let head = shop.head().await;
    for length in [1_048_577, 5_000_000] {
        let answer = send(&server, &known.shopline, &padded(length), json).await;
        assert_refused(&answer, 400, "The body is larger than 1048576 bytes");
        assert_eq!(kept(&shop, &answer).await.kind, "body_too_large");
    }
    assert_eq!(shop.head().await, head);
}

#[tokio::test]
async fn what_is_not_a_json_object_is_refused() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let head = shop.head().await;
    let deep = format!(r#"{{"customer":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    let syntax = "The body is not valid JSON: line ";
    for (body, errors) in [
        ("", syntax),
        (" ", syntax),
        ("{", syntax),
        ("{\"customer\":{'note'}}", syntax),
        ("{\"customer\":{}}{}", syntax),
        (deep.as_str(), "The body is nested deeper than 100 levels"),
        ("[]", "The body must be an object"),
        ("\"customer\"", "The body must be an object"),
        ("null", "The body must be an object"),
    ] {
        let json = Some("application/json");
        let answer = send(&server, &known.shopline, body.as_bytes(), json).await;
        let seen = answer.json()["errors"].as_str().unwrap().to_owned();
        assert!(seen.starts_with(errors), "{seen}");
        assert_refused(&answer, 400, &seen);
        let kept = kept(&shop, &answer).await;
        assert_eq!((kept.status, kept.fields.len()), (400, 0), "{body}");
    }
    for body in [&b"\xff\xfe{}"[..], b"{\"customer\":{\"note\":\"\xff\"}}"] {
        let answer = send(&server, &known.shopline, body, Some("application/json")).await;
        assert_eq!(answer.status, 400);
        assert_traced(&answer);
    }
    assert_eq!(shop.head().await, head);
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let body = padded(8_000_000);
    for _ in 0..8 {
        let stranger = anonymous(&server, Method::PUT, "v20220901/customers/1.json");
        let stranger = stranger.body(body.clone(), "application/json").send().await;
        assert_refused(&stranger, 401, "Unauthorized: an access token is required");
        let typed = send(&server, "1", &body, Some("text/plain")).await;
        assert_refused(&typed, 400, "Content-Type must be application/json");
        let long = send(&server, "1", &body, Some("application/json")).await;
        assert_refused(&long, 400, "The body is larger than 1048576 bytes");
        let medusa = server.medusa(Method::POST, "/admin/customers");
        let medusa = medusa.body(body.clone(), "application/json").send().await;
        assert_eq!(medusa.status, 413);
    }
}
