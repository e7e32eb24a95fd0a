//! Who is let in, and who is not: 401, 403, and nothing said of what there is.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use customer_ledger::auth::apps::app_token;
use devkit::http::Answer;
use hmac::{Hmac, Mac as _};
use hyper::Method;
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{anonymous, assert_refused};
use crate::support::shop::{HANDLE, JWT_SECRET, STORE_ID, Server, Shop, now};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn signed(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
}

/// Signed with the secret by HMAC, under the name of an algorithm that has a public key: who verified
/// it as told would take the secret for that key.
fn confused(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&json!({ "alg": "RS256" })), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(JWT_SECRET.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{message}.{signature}")
}

fn unsigned(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims))
}

async fn put(server: &Server, id: &str, authorization: Option<&str>) -> Answer {
    let path = format!("v20220901/customers/{id}.json");
    let call = anonymous(server, Method::PUT, &path);
    let call = call.json(&json!({ "customer": { "note": "n" } }));
    match authorization {
        Some(value) => call.header("authorization", value).send().await,
        None => call.send().await,
    }
}

/// Every way not to be let in, and what SHOPLINE says of it.
fn strangers(token: &str) -> Vec<(Option<String>, &'static str)> {
    let bearer = |token: &str| Some(format!("Bearer {token}"));
    let made = |handle: &str, store: &str, app: &str, life| {
        bearer(&app_token(JWT_SECRET, app, handle, store, now(), life))
    };
    let claims = claims(token);
    let (head, tail) = token.rsplit_once('.').unwrap();
    let first = if tail.starts_with('A') { "B" } else { "A" };
    let tampered = format!("{head}.{first}{}", tail.split_at(1).1);
    let other = signed(Algorithm::HS512, "another secret", &claims);
    let malformed = "Unauthorized: the access token is malformed";
    let invalid = "Unauthorized: the access token is invalid";
    let store = "Unauthorized: the access token is for another store";
    vec![
        (None, "Unauthorized: an access token is required"),
        (
            Some(String::new()),
            "Unauthorized: Authorization must be a Bearer token",
        ),
        (
            Some(token.to_owned()),
            "Unauthorized: Authorization must be a Bearer token",
        ),
        (
            Some(format!("Basic {token}")),
            "Unauthorized: Authorization must be a Bearer token",
        ),
        (bearer("garbage"), malformed),
        (bearer("a.b.c"), malformed),
        (bearer(head), malformed),
        (bearer(&unsigned(&claims)), malformed),
        (bearer(&tampered), invalid),
        (bearer(&other), invalid),
        (bearer(&confused(&claims)), invalid),
        (
            bearer(&signed(Algorithm::HS256, JWT_SECRET, &claims)),
            invalid,
        ),
        (
            made(HANDLE, STORE_ID, "app", -HOUR),
            "Unauthorized: the access token has expired",
        ),
        (made("other", STORE_ID, "app", HOUR), store),
        (made(HANDLE, "1672369729607", "app", HOUR), store),
        (
            made(HANDLE, STORE_ID, "unknown", HOUR),
            "Unauthorized: the app is not installed in this store",
        ),
    ]
}

#[tokio::test]
async fn a_stranger_is_refused_and_changes_nothing_whether_or_not_the_customer_exists() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let head = shop.head().await;
    for (authorization, errors) in strangers(&shop.shopline_token) {
        for id in [known.shopline.as_str(), "4299999999"] {
            let answer = put(&server, id, authorization.as_deref()).await;
            assert_refused(&answer, 401, errors);
        }
    }
    assert_eq!(shop.head().await, head);
}

#[tokio::test]
async fn a_strangers_refusal_is_not_kept() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let stranger = put(&server, "4200000000", Some("Bearer a.b.c")).await;
    let known = server.put("4200000000", &json!({ "note": 5 })).await;
    let kept = super::refusals::kept(&shop, &known).await;
    assert_eq!(kept.status, 400);
    let count: i64 = sqlx::query_scalar("select count(*) from refusals where request_id = $1")
        .bind(stranger.header("ledger-request-id"))
        .fetch_one(&shop.database.pool)
        .await
        .unwrap();
    assert_eq!(count, 0);
}

#[tokio::test]
async fn a_token_that_only_reads_cannot_write_and_one_that_only_writes_cannot_read() {
    let shop = Shop::open().await;
    let owner = sqlx::PgPool::connect(&shop.database.owner_url)
        .await
        .unwrap();
    let writer = customer_ledger::auth::apps::App {
        key: "writer",
        secret: Some("s"),
        plan: customer_ledger::contracts::shopline::rate::Plan::Standard,
        scopes: &["write_customers".to_owned()],
    };
    customer_ledger::auth::apps::add_app(
        &owner,
        &crate::support::shop::keyring(),
        &"main".into(),
        &writer,
    )
    .await
    .unwrap();
    owner.close().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let head = shop.head().await;
    let reader = format!("Bearer {}", shop.shopline_read_token);
    let writer = format!("Bearer {}", crate::support::shop::token("writer"));
    let write = put(&server, &known.shopline, Some(&reader)).await;
    assert_refused(&write, 403, "This action requires write_customers scope");
    assert_eq!(super::refusals::kept(&shop, &write).await.kind, "scope");
    let post = anonymous(&server, Method::POST, "v20220901/customers.json");
    let post = post
        .header("authorization", &reader)
        .json(&json!({}))
        .send()
        .await;
    assert_refused(&post, 403, "This action requires write_customers scope");
    let path = format!("v20220901/customers/v2/{}.json", known.shopline);
    let read = anonymous(&server, Method::GET, &path)
        .header("authorization", &writer)
        .send()
        .await;
    assert_refused(&read, 403, "This action requires read_customers scope");
    assert_eq!(shop.head().await, head);
    anonymous(&server, Method::GET, &path)
        .header("authorization", &reader)
        .send()
        .await
        .ok();
    put(&server, &known.shopline, Some(&writer)).await.ok();
}

#[tokio::test]
async fn the_scheme_of_a_token_is_read_in_any_case() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let token = format!("bEARER {}", shop.shopline_token);
    put(&server, &known.shopline, Some(&token)).await.ok();
}
