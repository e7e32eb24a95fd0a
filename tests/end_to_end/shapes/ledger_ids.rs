//! `GET /ledger/customers/{id}`: from one shop's customer to the other's.

use customer_ledger::auth::tokens::add_ledger_token;
use devkit::http::{Answer, Call};
use hyper::Method;
use serde_json::json;
use sqlx::PgPool;

use super::open;
use crate::support::shop::Server;

#[tokio::test]
async fn a_customer_is_found_by_each_of_its_ids() {
    let (_shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    server.guest("later@example.com").await;
    server
        .put(&known.shopline, &json!({ "note": "n" }))
        .await
        .ok();
    server.group("vip").await;
    let expected = format!(
        r#"{{"ids":{{"ledger":"{}","medusa":"{}","shopline":"{}"}},"sequence":2,"position":3,"head":4}}"#,
        known.stream, known.medusa, known.shopline
    );
    for id in [known.stream.as_str(), &known.medusa, &known.shopline] {
        let answer = server.ids(id).await;
        assert_eq!((answer.status, &answer.body), (200, &expected));
        assert_eq!(
            answer.header("content-type"),
            "application/json; charset=utf-8"
        );
        assert_eq!(answer.header("ledger-request-id").len(), 32);
    }
}

async fn ask(server: &Server, id: &str, authorization: Option<&str>) -> Answer {
    let call = Call::new(
        Method::GET,
        &server.base,
        &format!("/ledger/customers/{id}"),
    );
    match authorization {
        Some(value) => call.header("authorization", value).send().await,
        None => call.send().await,
    }
}

#[track_caller]
fn assert_problem(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("ledger-request-id").len(), 32);
    let problem = answer.json();
    assert_eq!(problem["status"], status);
    assert!(problem["title"].as_str().unwrap().len() > 10);
}

#[tokio::test]
async fn without_a_ledger_token_nobody_is_let_in() {
    let (shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let app = format!("Bearer {}", shop.shopline_token);
    for refused in [
        None,
        Some("Bearer nonsense"),
        Some("Bearer "),
        Some("Bearer"),
        Some("Basic ledger-token"),
        Some("ledger-token"),
        Some("Bearer peer-token"),
        Some(&app),
    ] {
        assert_problem(&ask(&server, &known.medusa, refused).await, 401);
    }
    // Nor is anybody told which ids there are.
    assert_problem(&ask(&server, "cus_nope", None).await, 401);
    assert_eq!(
        ask(&server, &known.medusa, Some("bearer ledger-token"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_token_without_the_scope_is_forbidden() {
    let (shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let owner = PgPool::connect(&shop.database.owner_url).await.unwrap();
    let scopes = ["ledger:verify".to_owned()];
    add_ledger_token(
        &owner,
        &crate::support::shop::keyring(),
        &"main".into(),
        "auditor",
        "other-token",
        &scopes,
    )
    .await
    .unwrap();
    owner.close().await;
    assert_problem(
        &ask(&server, &known.medusa, Some("Bearer other-token")).await,
        403,
    );
}

#[tokio::test]
async fn an_id_that_no_customer_has_is_not_found() {
    let (_shop, server) = open().await;
    let group = server.group("vip").await;
    let group_stream = group.trim_start_matches("cgrp_").to_owned();
    for id in [
        "cus_nope",
        "4200000000",
        &group,
        &group_stream,
        "a%00b",
        "%FF",
        "x%2Fy",
    ] {
        let answer = ask(&server, id, Some("Bearer ledger-token")).await;
        assert_problem(&answer, 404);
    }
}
