//! The versions beside each other: one customer, asked at each, and events that an older release of
//! the ledger wrote.

use devkit::http::Answer;
use hyper::Method;
use serde_json::{Value, json};

use crate::support::lists;
use crate::support::shop::{Server, Shop};

const LATER: &str = "v20230901";

async fn put(server: &Server, id: &str, customer: &Value) -> Answer {
    let path = format!("customers/{id}.json");
    let body = json!({ "customer": customer });
    server
        .shopline_at(LATER, Method::PUT, &path)
        .json(&body)
        .send()
        .await
}

async fn get(server: &Server, version: &str, id: &str) -> Value {
    let path = format!("customers/v2/{id}.json");
    let answer = server.shopline_at(version, Method::GET, &path).send().await;
    answer.ok()["customer"].clone()
}

/// A customer that was read, as an update takes it: a gender is a word in answers, and a number in
/// requests.
fn sent_back(customer: &Value) -> Value {
    let mut customer = customer.clone();
    customer.as_object_mut().unwrap().shift_remove("gender");
    customer
}

fn with_consents() -> Value {
    json!({
        "email": "bob@example.com",
        "phone": "001467326483",
        "verified_email": true,
        "multipass_identifier": "m-1",
        "social_customer": ["fb:1"],
        "email_marketing_consent": {
            "state": 1,
            "opt_in_level": 2,
            "consent_updated_at": "2023-12-27T11:31:06+08:00",
            "consent_collected_from": "popup",
        },
        "sms_marketing_consent": { "state": 0 },
        "addresses": [{ "address1": "1 Test Street", "province_code": "KY" }],
    })
}

#[tokio::test]
async fn a_later_version_shows_what_it_took_and_the_first_one_is_as_it_was() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let body = json!({ "customer": with_consents() });
    let create = server.shopline_at(LATER, Method::POST, "customers.json");
    let created = create.json(&body).send().await.ok()["customer"].clone();
    let id = created["id"].as_str().unwrap();
    let later = get(&server, "v20260901", id).await;
    assert_eq!(
        later["email_marketing_consent"],
        with_consents()["email_marketing_consent"]
    );
    assert_eq!(later["sms_marketing_consent"]["state"], 0);
    assert_eq!(later["verified_email"], true);
    assert_eq!(later["multipass_identifier"], "m-1");
    assert_eq!(later["social_customer"], json!(["fb:1"]));
    assert_eq!(created["social_customer"], later["social_customer"]);
    assert_eq!(later["accepts_marketing"], true);
    assert_eq!(later["mobile_subscribe_flag"], 0);
    assert_eq!(later["addresses"][0]["province_code_v2"], "KY");
    // What comes back is what is stored: no event.
    let head = shop.head().await;
    let updated = put(&server, id, &sent_back(&later)).await;
    let updated = updated.ok()["customer"].clone();
    assert_eq!(shop.head().await, head);
    assert!(updated.get("social_customer").is_none());
    for member in ["email_marketing_consent", "multipass_identifier"] {
        assert_eq!(updated[member], later[member]);
        assert_eq!(created[member], later[member]);
    }
    // A list says the same at each version as a read.
    for version in [LATER, "v20220901"] {
        let read = get(&server, version, id).await;
        let list = server.shopline_at(version, Method::GET, "v2/customers.json");
        let list = lists::current_list(&list).await.ok();
        assert_eq!(list["customers"], json!([read]));
    }
    let first = get(&server, "v20220901", id).await;
    assert_eq!(first["accepts_marketing"], true);
    assert_eq!(first.get("email_marketing_consent"), None);
    assert_eq!(first["addresses"][0].get("province_code_v2"), None);
}

#[tokio::test]
async fn what_only_a_later_version_takes_comes_back_through_the_first() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let long = json!({ "email": "bob@example.com", "tags": "t".repeat(128),
        "addresses": [{ "phone": "1".repeat(20), "zip": "2".repeat(64) }] });
    let body = json!({ "customer": long });
    let first = server.shopline(Method::POST, "customers.json").json(&body);
    assert_eq!(first.send().await.status, 422);
    let later = server.shopline_at(LATER, Method::POST, "customers.json");
    let created = later.json(&body).send().await.ok()["customer"].clone();
    let id = created["id"].as_str().unwrap();
    let read = get(&server, "v20220901", id).await;
    let head = shop.head().await;
    server.put(id, &sent_back(&read)).await.ok();
    assert_eq!(shop.head().await, head);
}

#[tokio::test]
async fn an_address_has_finer_places_that_a_customers_update_leaves_alone() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let customer = server
        .app_customer(&json!({ "email": "bob@example.com" }))
        .await;
    let path = format!("customers/{}/addresses.json", customer.shopline);
    let add = async |address: Value| {
        let body = json!({ "customer_address": address });
        server
            .shopline(Method::POST, &path)
            .json(&body)
            .send()
            .await
    };
    let limits = [
        ("city_code", 50),
        ("district", 64),
        ("district_code", 50),
        ("town", 64),
    ];
    let longest: Value = limits
        .iter()
        .map(|(name, limit)| ((*name).to_owned(), json!("é".repeat(*limit))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let added = add(longest.clone()).await.ok()["customer_address"].clone();
    for (name, limit) in limits {
        assert_eq!(added[name], longest[name]);
        let over = add(json!({ name: "é".repeat(limit + 1) })).await;
        let expected = format!(
            "addresses.{name} has {} characters, at most {limit} are allowed",
            limit + 1
        );
        super::assert_refused(&over, 422, &expected);
    }
    let id = added["id"].as_str().unwrap();
    let change = json!({ "addresses": [{ "id": id, "town": "ignored", "zip": "1" }] });
    server.put(&customer.shopline, &change).await.ok();
    let path = format!("customers/{}/addresses/{id}.json", customer.shopline);
    let read = server.shopline(Method::GET, &path).send().await.ok();
    assert_eq!(read["customer_address"]["town"], longest["town"]);
    assert_eq!(read["customer_address"]["zip"], "1");
}

/// Makes the events of a store what release 1.0.0 of their schemas would have written: the members
/// that were added are not there.
const AS_BEFORE: &str = "\
    update events set event_version = '1.0.0', \
        payload = (payload::jsonb - 'verified_email')::json \
    where event_version = '1.1.0'";

#[tokio::test]
async fn events_of_the_first_version_are_read_as_before() {
    let shop = Shop::open().await;
    let api = shop.serve("api").await;
    let body = json!({ "email": "bob@example.com", "accepts_marketing": true, "note": "n",
        "addresses": [{ "address1": "1 Test Street" }] });
    let customer = api.app_customer(&body).await;
    let id = customer.shopline;
    api.put(&id, &json!({ "note": "likes tea" })).await.ok();
    let before = get(&api, LATER, &id).await;
    api.kill().await;
    let mut owner = shop.database.owner().await;
    sqlx::raw_sql("alter table events disable trigger user")
        .execute(&mut owner)
        .await
        .unwrap();
    let changed = sqlx::query(AS_BEFORE).execute(&mut owner).await.unwrap();
    assert_eq!(changed.rows_affected(), 3);
    let server = shop.serve("api,relay,projector").await;
    assert_eq!(get(&server, LATER, &id).await, before);
    let list = async || {
        let list = server.shopline_at(LATER, Method::GET, "v2/customers.json");
        lists::current_list(&list).await.ok()["customers"].clone()
    };
    assert_eq!(list().await, json!([before]));
    let confirmed = put(&server, &id, &json!({ "verified_email": true })).await;
    assert_eq!(confirmed.ok()["customer"]["verified_email"], true);
    assert_eq!(list().await[0]["verified_email"], true);
}
