//! What the answers say of an event, and who may ask.

use hyper::Method;
use serde_json::{Value, json};

use super::{accesses, at, open};
use crate::support::customer::Known;
use crate::support::shop::Server;

/// A customer of both shops whose postal code an app got wrong, on somebody's behalf and for a reason.
async fn wronged(server: &Server) -> Known {
    let known = server.guest("w@example.com").await;
    let address = json!({ "address1": "1 High Street", "zip": "40202", "country_code": "US" });
    let path = format!("customers/{}/addresses.json", known.shopline);
    let body = json!({ "customer_address": address });
    let answer = server
        .shopline(Method::POST, &path)
        .json(&body)
        .send()
        .await
        .ok();
    let id = answer["customer_address"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("customers/{}/addresses/{id}.json", known.shopline);
    let address = json!({ "address1": "1 High Street", "zip": "40220", "country_code": "US" });
    let call = server
        .shopline(Method::PUT, &path)
        .json(&json!({ "customer_address": address }));
    let call = call.header("ledger-on-behalf-of", "Ann Clerk");
    call.header("ledger-reason", "she rang").send().await.ok();
    server
        .update(&known.medusa, &json!({ "first_name": "Will" }))
        .await
        .ok();
    known
}

#[tokio::test]
async fn blame_says_who_when_and_why() {
    let (shop, server) = open().await;
    let known = wronged(&server).await;
    for (shape, pointer) in [
        ("shopline", "/addresses/0/zip"),
        ("shopline", "/customer/addresses/0/zip"),
        ("medusa", "/shipping_addresses/0/postal_code"),
    ] {
        let question = format!("/blame?shape={shape}&pointer={pointer}");
        let blame = server.ask(&known.medusa, &question).await.ok();
        let [leaf] = &at(&blame, "/leaves").as_array().unwrap()[..] else {
            panic!("{blame}");
        };
        assert_eq!(leaf["value"], "40220");
        let by = &leaf["by"];
        assert_eq!((&by["position"], &by["sequence"]), (&json!(3), &json!(3)));
        assert_eq!(by["actor"], json!({ "kind": "app", "id": "app" }));
        assert_eq!(by["on_behalf_of"], "Ann Clerk");
        assert_eq!(by["reason"], "she rang");
        assert_eq!(by["contract"], "shopline");
        assert_eq!(by["event"], "AddressChanged");
        assert_eq!(by["request_id"].as_str().unwrap().len(), 32);
    }
    let asked = accesses(&shop).await;
    assert_eq!(asked, vec![("blame".to_owned(), "api_key".to_owned()); 3]);
}

#[tokio::test]
async fn a_log_names_what_changed_and_opens_words_only_when_asked() {
    let (shop, server) = open().await;
    let known = wronged(&server).await;
    let log = server.ask(&known.shopline, "/log").await.ok();
    let events = log["events"].as_array().unwrap();
    let changed: Vec<&Value> = events.iter().map(|event| &event["changed"]).collect();
    assert_eq!(
        changed[1..],
        [
            &json!(["address"]),
            &json!(["address.postal_code"]),
            &json!(["first_name"])
        ]
    );
    assert!(changed[0].as_array().unwrap().contains(&json!("email")));
    assert_eq!(events[2]["on_behalf_of"], "•••");
    assert_eq!(events[2]["reason"], "•••");
    assert_eq!(events[3]["reason"], Value::Null);
    for personal in ["40220", "Ann Clerk", "Will", "w@example.com"] {
        assert!(!log.to_string().contains(personal), "{personal}");
    }
    assert_eq!(accesses(&shop).await, []);
    let log = server.ask(&known.shopline, "/log?open=true").await.ok();
    assert_eq!(log["events"][2]["on_behalf_of"], "Ann Clerk");
    assert_eq!(
        accesses(&shop).await,
        [("log".to_owned(), "api_key".to_owned())]
    );
}

#[tokio::test]
async fn a_log_is_paged_both_ways_and_holds_what_befell_the_groups() {
    let (_shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let group = server.group("vip").await;
    let path = format!("/admin/customer-groups/{group}");
    let rename = async |name: &str| {
        let call = server.medusa(Method::POST, &path);
        call.json(&json!({ "name": name })).send().await.ok();
    };
    rename("before").await;
    server
        .batch(Method::POST, &group, &[&known.medusa])
        .send()
        .await
        .ok();
    rename("within").await;
    server
        .update(&known.medusa, &json!({ "first_name": "a" }))
        .await
        .ok();
    server
        .batch(Method::DELETE, &group, &[&known.medusa])
        .send()
        .await
        .ok();
    rename("after").await;
    server
        .update(&known.medusa, &json!({ "first_name": "b" }))
        .await
        .ok();
    let whole = [1, 4, 5, 6, 7, 9];
    let positions = |log: &Value| -> Vec<i64> {
        let events = log["events"].as_array().unwrap();
        events
            .iter()
            .map(|event| event["position"].as_i64().unwrap())
            .collect()
    };
    let log = server.ask(&known.medusa, "/log").await.ok();
    assert_eq!(positions(&log), whole);
    assert_eq!(log["events"][2]["changed"], json!(["group.name"]));
    for limit in 1..=6 {
        let mut page = server
            .ask(&known.medusa, &format!("/log?limit={limit}&after=0"))
            .await
            .ok();
        let mut forth = positions(&page);
        while let Some(next) = page["next"].as_i64() {
            let question = format!("/log?limit={limit}&after={next}");
            page = server.ask(&known.medusa, &question).await.ok();
            forth.extend(positions(&page));
        }
        assert_eq!(forth, whole, "{limit} at a time");
        let mut page = server
            .ask(&known.medusa, &format!("/log?limit={limit}"))
            .await
            .ok();
        let mut back = positions(&page);
        while let Some(previous) = page["previous"].as_i64() {
            let question = format!("/log?limit={limit}&before={previous}");
            page = server.ask(&known.medusa, &question).await.ok();
            back.splice(..0, positions(&page));
        }
        assert_eq!(back, whole, "{limit} at a time, back");
    }
}

#[tokio::test]
async fn a_time_is_as_good_as_a_position() {
    let (_shop, server) = open().await;
    let known = server.guest("t@example.com").await;
    for name in ["a", "b", "c"] {
        server
            .update(&known.medusa, &json!({ "first_name": name }))
            .await
            .ok();
    }
    let log = server.ask(&known.medusa, "/log").await.ok();
    for (event, name) in log["events"]
        .as_array()
        .unwrap()
        .iter()
        .zip(["Gustavius", "a", "b", "c"])
    {
        let time = event["time"].as_str().unwrap();
        let question = format!("?shape=medusa&as_of={time}");
        let shown = server.ask(&known.medusa, &question).await.ok();
        assert_eq!(shown["customer"]["first_name"], name, "{time}");
    }
    let now = server
        .ask(&known.medusa, "?shape=medusa&as_of=0%20seconds%20ago")
        .await
        .ok();
    assert_eq!(now["customer"]["first_name"], "c");
    let answer = server
        .ask(&known.medusa, "?shape=medusa&as_of=1%20hour%20ago")
        .await;
    assert_eq!(answer.status, 404, "{}", answer.body);
}

#[tokio::test]
async fn a_contract_s_own_read_of_the_past_is_written_to_the_access_log() {
    let (shop, server) = open().await;
    let known = server.guest("c@example.com").await;
    let medusa = format!("/admin/customers/{}?as_of=1", known.medusa);
    server.medusa(Method::GET, &medusa).send().await.ok();
    let shopline = format!("customers/v2/{}.json?as_of=1", known.shopline);
    server.shopline(Method::GET, &shopline).send().await.ok();
    server.get_medusa(&known.medusa).await.ok();
    server.get_shopline(&known.shopline).await.ok();
    let asked = accesses(&shop).await;
    let kinds: Vec<&str> = asked.iter().map(|(_, kind)| &**kind).collect();
    assert_eq!(kinds, ["person", "app"]);
}
