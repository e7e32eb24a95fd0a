//! Promise 6: a request repeated with its `Idempotency-Key` records nothing and gets its first
//! answer. Also the headers of the ledger's own that every request may carry.

mod headers;
mod keys;
mod races;

use devkit::http::{Answer, Call};
use hyper::Method;
use serde_json::{Value, json};

use crate::support::customer::Known;
use crate::support::shop::{Server, Shop};

/// One request of the promise's, to be sent as often as one likes.
#[derive(Clone)]
struct Asked {
    method: Method,
    /// Medusa's path, or SHOPLINE's after the version.
    path: String,
    body: Value,
}

impl Asked {
    fn call(&self, server: &Server) -> Call {
        let call = if self.path.starts_with("/admin/") {
            server.medusa(self.method.clone(), &self.path)
        } else {
            server.shopline(self.method.clone(), &self.path)
        };
        call.json(&self.body)
    }

    async fn send(&self, server: &Server, key: &str) -> Answer {
        self.call(server)
            .header("Idempotency-Key", key)
            .send()
            .await
    }
}

fn post(path: &str, body: Value) -> Asked {
    Asked {
        method: Method::POST,
        path: path.to_owned(),
        body,
    }
}

/// The seed operation of Medusa's, its answer with the groups.
fn update(known: &Known, body: Value) -> Asked {
    let path = format!(
        "/admin/customers/{}?expand=groups,shipping_addresses",
        known.medusa
    );
    post(&path, body)
}

/// The seed operation of SHOPLINE's.
fn put(known: &Known, customer: &Value) -> Asked {
    Asked {
        method: Method::PUT,
        path: format!("customers/{}.json", known.shopline),
        body: json!({ "customer": customer }),
    }
}

/// Every operation that the promise is about, each with a request that succeeds in any shop.
fn all(known: &Known) -> Vec<Asked> {
    let medusa = json!({ "phone": null, "metadata": { "b": 1, "a": "" }, "email": "m@example.com",
        "first_name": "M", "last_name": "M", "password": "secret" });
    let app = json!({ "customer": { "email": "s@example.com", "phone": "0015550001",
        "addresses": [{ "address1": "1 Main Street" }], "accepts_marketing": true } });
    vec![
        update(
            known,
            json!({ "first_name": "Once", "password": "p", "metadata": { "k": "v" } }),
        ),
        put(
            known,
            &json!({ "note": "once", "addresses": [{ "address1": "2 Side Street" }] }),
        ),
        post("/admin/customers", medusa),
        post("customers.json", app),
        post(
            "/admin/customer-groups",
            json!({ "metadata": { "z": 1 }, "name": "vip" }),
        ),
    ]
}

#[tokio::test]
async fn a_repeated_request_records_nothing_and_gets_its_first_answer() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    for (key, asked) in all(&known).iter().enumerate() {
        let first = asked.send(&server, &format!("key {key}")).await;
        first.ok();
        let head = shop.head().await;
        for _ in 0..2 {
            let again = asked.send(&server, &format!("key {key}")).await;
            assert_same(&again, &first);
        }
        assert_eq!(shop.head().await, head);
    }
    assert_eq!(count(&shop, "credentials").await, 2);
}

/// Equal but for the request's own id, to the byte and in order of the members.
#[track_caller]
fn assert_same(again: &Answer, first: &Answer) {
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.headers.get("etag"), first.headers.get("etag"));
    assert_eq!(again.header("content-type"), first.header("content-type"));
}

async fn count(shop: &Shop, table: &str) -> i64 {
    let sql = format!("select count(*) from {table}");
    sqlx::query_scalar(&sql)
        .fetch_one(&shop.database.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn another_process_gives_the_first_answer_too() {
    let shop = Shop::open().await;
    let (server, other) = (shop.serve("api").await, shop.serve("api").await);
    let known = server.guest("g@example.com").await;
    for (key, asked) in all(&known).iter().enumerate() {
        let first = asked.send(&server, &format!("key {key}")).await;
        let head = shop.head().await;
        assert_same(&asked.send(&other, &format!("key {key}")).await, &first);
        assert_eq!(shop.head().await, head);
    }
}

#[tokio::test]
async fn a_request_that_created_answers_201_again_in_the_same_order() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    for (key, body) in [
        json!({ "email": "a@example.com", "first_name": "A", "last_name": "A", "password": "p" }),
        json!({ "email": "b@example.com", "first_name": "B", "last_name": "B", "password": "",
            "metadata": { "empty": "" } }),
        json!({ "password": "", "last_name": "C", "phone": "1", "first_name": "C",
            "email": "c@example.com" }),
    ]
    .into_iter()
    .enumerate()
    {
        let asked = post("/admin/customers", body);
        let first = asked.send(&server, &key.to_string()).await;
        let again = asked.send(&server, &key.to_string()).await;
        assert_eq!((first.status, again.status), (201, 201));
        assert_same(&again, &first);
    }
}

/// Changes everything that the first answers showed.
async fn change_everything(shop: &Shop, server: &Server, known: &Known, group: &str) {
    let later = json!({ "first_name": "Later", "metadata": { "k": "later" }, "groups": [],
        "email": "later@example.com" });
    server.update(&known.medusa, &later).await.ok();
    let later = json!({ "note": "later", "tags": "later", "addresses": [{ "address1": "later" }] });
    server.put(&known.shopline, &later).await.ok();
    let stream = &group.trim_start_matches("cgrp_").into();
    let rename = customer_ledger::domain::group::Command::Update {
        name: Some("later".to_owned()),
        metadata: None,
    };
    let request = crate::support::ledger::request();
    let ledger = shop.ledger();
    ledger
        .execute::<customer_ledger::domain::group::CustomerGroup>(stream, rename, &request)
        .await
        .unwrap();
    shop.delete_group(group).await;
}

#[tokio::test]
async fn the_first_answer_is_as_of_then_whatever_changed_since() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let group = server.group("vip").await;
    let groups = json!({ "first_name": "Then", "groups": [{ "id": group }] });
    let (medusa, shopline) = (
        update(&known, groups),
        put(&known, &json!({ "note": "then" })),
    );
    let nothing = update(&known, json!({ "first_name": "Then" }));
    let answers = [
        medusa.send(&server, "medusa").await,
        shopline.send(&server, "shopline").await,
        nothing.send(&server, "nothing").await,
    ];
    assert_eq!(answers[0].ok()["customer"]["groups"][0]["name"], "vip");
    change_everything(&shop, &server, &known, &group).await;
    let head = shop.head().await;
    assert_same(&medusa.send(&server, "medusa").await, &answers[0]);
    assert_same(&shopline.send(&server, "shopline").await, &answers[1]);
    assert_same(&nothing.send(&server, "nothing").await, &answers[2]);
    assert_eq!(shop.head().await, head);
    let now = server.in_medusa(&known).await;
    assert_eq!(
        (&now["first_name"], &now["groups"]),
        (&json!("Later"), &json!([]))
    );
}

#[tokio::test]
async fn a_created_customers_and_groups_first_answer_is_as_of_its_birth() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let creates = all(&known).split_off(2);
    let mut firsts = vec![];
    for (key, asked) in creates.iter().enumerate() {
        firsts.push(asked.send(&server, &key.to_string()).await);
    }
    let medusa = server
        .known(firsts[0].ok()["customer"]["id"].as_str().unwrap())
        .await;
    let app = server
        .known(firsts[1].ok()["customer"]["id"].as_str().unwrap())
        .await;
    let group = firsts[2].ok()["customer_group"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    server
        .put(&medusa.shopline, &json!({ "email": "x@example.com" }))
        .await
        .ok();
    change_everything(&shop, &server, &app, &group).await;
    let head = shop.head().await;
    for (key, asked) in creates.iter().enumerate() {
        assert_same(&asked.send(&server, &key.to_string()).await, &firsts[key]);
    }
    assert_eq!(shop.head().await, head);
}

#[tokio::test]
async fn a_request_that_changed_nothing_is_remembered_too() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let same = json!({ "first_name": "Gustavius" });
    for (asked, revert) in [
        (
            update(&known, same.clone()),
            json!({ "first_name": "Other" }),
        ),
        (put(&known, &same), json!({ "first_name": "Another" })),
    ] {
        server.update(&known.medusa, &same).await.ok();
        let head = shop.head().await;
        let first = asked.send(&server, "nothing").await;
        assert_eq!(shop.head().await, head);
        server.update(&known.medusa, &revert).await.ok();
        // It would change something now, and does not.
        let head = shop.head().await;
        assert_same(&asked.send(&server, "nothing").await, &first);
        assert_eq!(shop.head().await, head);
    }
}
