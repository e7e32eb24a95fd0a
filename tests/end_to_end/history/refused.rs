//! Bad questions: one sentence that says what is wrong and what would be right.

use customer_ledger::auth::tokens::add_ledger_token;
use customer_ledger::domain::customer::Command;
use devkit::http::{Answer, Call};
use hyper::Method;
use serde_json::json;
use sqlx::PgPool;

use super::{accesses, open};
use crate::support::shop::keyring;

#[track_caller]
fn assert_problem(answer: &Answer, status: u16, sentence: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let title = answer.json()["title"].as_str().unwrap().to_owned();
    assert!(title.contains(sentence), "{title}");
}

#[tokio::test]
async fn a_bad_question_is_told_what_is_wrong() {
    let (shop, server) = open().await;
    server.guest("first@example.com").await;
    let known = server.guest("second@example.com").await;
    server
        .update(&known.medusa, &json!({ "first_name": "a" }))
        .await
        .ok();
    for (question, status, sentence) in [
        ("?shape=latin", 400, "shape must be medusa or shopline"),
        ("?as_of=1", 400, "shape must be medusa or shopline"),
        (
            "?shape=medusa&as_of=soon",
            400,
            "as_of: this is no point in time",
        ),
        ("?shape=medusa&as_of=4", 400, "its last is 3"),
        ("?shape=medusa&as_of=1", 404, "created at position 2"),
        (
            "?shape=medusa&as_of=2026-01-01",
            404,
            "created at position 2",
        ),
        ("?shape=medusa&expand=nobody", 400, "no relation"),
        (
            "?shape=medusa&expand=groups.customers",
            400,
            "without customers",
        ),
        (
            "?shape=medusa&version=v20220901",
            400,
            "belong to the shape shopline",
        ),
        ("?shape=shopline&version=v1", 400, "version must be"),
        ("?shape=medusa&colour=red", 400, "the parameters are"),
        (
            "/diff?shape=medusa&from=3&to=2",
            400,
            "give the earlier one first",
        ),
        ("/diff?shape=medusa&from=1", 404, "created at position 2"),
        ("/blame?shape=medusa&pointer=email", 400, "no JSON Pointer"),
        (
            "/blame?shape=medusa&pointer=/zip",
            404,
            "nothing stands at this pointer",
        ),
        ("/log?limit=0", 400, "limit must be 1 to 1000"),
        ("/log?after=1&before=2", 400, "cannot both"),
        ("/log?open=maybe", 400, "true or false"),
        ("/log?after=-1", 400, "not be below 0"),
        ("/log?after=99", 400, "has not come to this position"),
        ("/log?before=99", 400, "has not come to this position"),
    ] {
        let answer = server.ask(&known.medusa, question).await;
        assert_problem(&answer, status, sentence);
    }
    let unknown = server.ask("cus_nope", "?shape=medusa").await;
    assert_problem(&unknown, 404, "no customer or group has or had this id");
    drop(shop);
}

#[tokio::test]
async fn the_contracts_refuse_a_bad_as_of_in_their_own_words() {
    let (_shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let medusa = async |query: &str| {
        let path = format!("/admin/customers/{}?{query}", known.medusa);
        server.medusa(Method::GET, &path).send().await
    };
    for (query, message) in [
        ("as_of=soon", "as_of: this is no point in time"),
        ("as_of=2", "its last is 1"),
        ("as_of=1&expand=groups.customers", "without customers"),
    ] {
        let answer = medusa(query).await;
        assert_eq!(
            (answer.status, &answer.json()["type"]),
            (400, &json!("invalid_data"))
        );
        assert!(
            answer.json()["message"].as_str().unwrap().contains(message),
            "{}",
            answer.body
        );
    }
    assert_eq!(medusa("as_of=2026-01-01").await.status, 404);
    for as_of in ["soon", "2"] {
        let path = format!("customers/v2/{}.json?as_of={as_of}", known.shopline);
        let answer = server.shopline(Method::GET, &path).send().await;
        assert_eq!(answer.status, 422);
        let errors = answer.json()["errors"].as_str().unwrap().to_owned();
        assert!(errors.starts_with("as_of must be a position"), "{errors}");
    }
}

#[tokio::test]
async fn an_id_of_several_customers_is_asked_for_again() {
    let (shop, server) = open().await;
    let (one, other) = (
        server.guest("a@example.com").await,
        server.guest("b@example.com").await,
    );
    let owner = PgPool::connect(&shop.database.owner_url).await.unwrap();
    // As an import would, where the one shop's numbers are the other shop's ids.
    sqlx::query(
        "insert into claims (store, kind, key, holder) values ('main', 'medusa_id', $1, $2)",
    )
    .bind(other.shopline.as_bytes())
    .bind(&one.stream)
    .execute(&owner)
    .await
    .unwrap();
    let answer = server.ask(&other.shopline, "/log").await;
    assert_problem(&answer, 400, "write medusa:ID, shopline:ID or ledger:ID");
    for (id, of) in [("medusa", &one), ("shopline", &other)] {
        let log = server
            .ask(&format!("{id}:{}", other.shopline), "/log")
            .await
            .ok();
        assert_eq!(log["events"][0]["stream"], *of.stream);
    }
}

#[tokio::test]
async fn personal_data_of_the_past_needs_its_own_scope() {
    let (shop, server) = open().await;
    let known = server.guest("s@example.com").await;
    let owner = PgPool::connect(&shop.database.owner_url).await.unwrap();
    let scopes = ["ledger:read".to_owned()];
    add_ledger_token(
        &owner,
        &keyring(),
        &"main".into(),
        "reader",
        "read-token",
        &scopes,
    )
    .await
    .unwrap();
    let ask = async |question: &str| {
        let path = format!("/ledger/customers/{}{question}", known.medusa);
        let call = Call::new(Method::GET, &server.base, &path);
        call.header("authorization", "Bearer read-token")
            .send()
            .await
    };
    assert_eq!(ask("").await.status, 200);
    assert_eq!(ask("/log").await.status, 200);
    for question in [
        "?shape=medusa",
        "/diff?shape=medusa",
        "/blame?shape=medusa",
        "/log?open=true",
    ] {
        assert_problem(&ask(question).await, 403, "ledger:open");
    }
    assert_eq!(accesses(&shop).await, []);
}

#[tokio::test]
async fn deleted_and_erased_customers_have_the_past_that_is_left() {
    let (shop, server) = open().await;
    let known = server.guest("d@example.com").await;
    shop.execute(&known.stream, Command::Delete).await;
    let then = server
        .ask(&known.medusa, "?shape=medusa&as_of=1")
        .await
        .ok();
    assert_eq!(then["customer"]["email"], "d@example.com");
    let now = server.ask(&known.medusa, "?shape=medusa").await;
    assert_problem(&now, 404, "deleted at position 2");
    let diff = server
        .ask(&known.medusa, "/diff?shape=medusa&from=1")
        .await
        .ok();
    assert_eq!(diff["differences"][0]["pointer"], "");
    assert_eq!(diff["differences"][0]["by"]["event"], "CustomerDeleted");
    shop.execute(&known.stream, Command::Erase).await;
    for question in [
        "?shape=medusa&as_of=1",
        "/diff?shape=medusa&from=1",
        "/blame?shape=medusa&as_of=1",
    ] {
        assert_problem(
            &server.ask(&known.medusa, question).await,
            410,
            "was erased",
        );
    }
    let path = format!("/admin/customers/{}?as_of=1", known.medusa);
    assert_eq!(server.medusa(Method::GET, &path).send().await.status, 404);
    let log = server.ask(&known.medusa, "/log?open=true").await.ok();
    assert_eq!(log["events"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn the_log_of_an_erased_customer_still_says_that_an_address_changed() {
    let (shop, server) = open().await;
    let known = server.guest("d@example.com").await;
    let address = |zip: &str| {
        let address = json!({ "address1": "1 High Street", "zip": zip, "country_code": "US" });
        json!({ "customer_address": address })
    };
    let path = format!("customers/{}/addresses.json", known.shopline);
    let added = server.shopline(Method::POST, &path).json(&address("40202"));
    let added = added.send().await.ok();
    let id = added["customer_address"]["id"].as_str().unwrap();
    let path = format!("customers/{}/addresses/{id}.json", known.shopline);
    let changed = server.shopline(Method::PUT, &path).json(&address("40220"));
    changed.send().await.ok();
    let changed = async || {
        let log = server.ask(&known.medusa, "/log").await.ok();
        log["events"].as_array().unwrap()[2]["changed"].clone()
    };
    assert_eq!(changed().await, json!(["address.postal_code"]));
    shop.execute(&known.stream, Command::Delete).await;
    shop.execute(&known.stream, Command::Erase).await;
    assert_eq!(changed().await, json!(["address"]));
}
