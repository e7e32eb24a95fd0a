//! Customer groups. What needs a list of groups or of members is not here.

use devkit::http::Answer;
use hyper::Method;
use serde_json::{Value, json};

use crate::support::lists;
use crate::support::shop::{Server, Shop};

const GROUPS: &str = "/admin/customer-groups";

async fn opened() -> (Shop, Server) {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    (shop, server)
}

/// A guest's id.
async fn customer(server: &Server, name: &str) -> String {
    let guest = server.create_guest(&format!("{name}@example.com")).await;
    guest["id"].as_str().unwrap().to_owned()
}

async fn post(server: &Server, path: &str, body: &Value) -> Answer {
    server.medusa(Method::POST, path).json(body).send().await
}

async fn get(server: &Server, path: &str) -> Answer {
    server.medusa(Method::GET, path).send().await
}

#[track_caller]
fn assert_not_found(answer: &Answer, message: &str) {
    let expected = json!({ "type": "not_found", "message": message });
    assert_eq!((answer.status, answer.json()), (404, expected));
}

/// 12
#[tokio::test]
async fn a_group_is_created() {
    let (_shop, server) = opened().await;
    let answer = post(&server, GROUPS, &json!({ "name": "test group" })).await;
    assert_eq!(answer.status, 200);
    let group = &answer.json()["customer_group"];
    assert_eq!(group["name"], "test group");
    assert!(group["id"].as_str().unwrap().starts_with("cgrp_"));
}

/// 13
#[tokio::test]
async fn a_group_of_a_name_that_is_taken_is_not_created() {
    let (_shop, server) = opened().await;
    server.group("vip-customers").await;
    let answer = post(&server, GROUPS, &json!({ "name": "vip-customers" })).await;
    let expected = json!({ "code": "invalid_request_error", "type": "duplicate_error",
        "message": "Key (name)=(vip-customers) already exists." });
    assert_eq!((answer.status, answer.json()), (422, expected));
}

/// 14
#[tokio::test]
async fn a_deleted_group_is_not_found() {
    let (_shop, server) = opened().await;
    let group = server.group("delete").await;
    let path = format!("{GROUPS}/{group}");
    let answer = server.medusa(Method::DELETE, &path).send().await;
    let expected = json!({ "id": group, "object": "customer_group", "deleted": true });
    assert_eq!((answer.status, answer.json()), (200, expected));
    let message = format!("CustomerGroup with id {group} was not found");
    assert_not_found(&get(&server, &path).await, &message);
}

/// 15
#[tokio::test]
async fn a_deleted_group_is_gone_from_its_customers() {
    let (_shop, server) = opened().await;
    let (group, known) = (server.group("delete").await, customer(&server, "a").await);
    let groups = json!({ "groups": [{ "id": group }] });
    server.update(&known, &groups).await.ok();
    assert_eq!(server.groups_of(&known).await, std::slice::from_ref(&group));
    let path = format!("{GROUPS}/{group}");
    server.medusa(Method::DELETE, &path).send().await.ok();
    assert_eq!(server.groups_of(&known).await, [""; 0]);
}

/// 17
#[tokio::test]
async fn customers_are_added_many_at_once() {
    let (_shop, server) = opened().await;
    let group = server.group("batch").await;
    let (one, other) = (customer(&server, "a").await, customer(&server, "b").await);
    let answer = server
        .batch(Method::POST, &group, &[&one, &other])
        .send()
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["customer_group"]["name"], "batch");
    for known in [one, other] {
        assert_eq!(server.groups_of(&known).await, std::slice::from_ref(&group));
    }
}

/// 18
#[tokio::test]
async fn nobody_is_added_to_a_group_that_does_not_exist() {
    let (_shop, server) = opened().await;
    let known = customer(&server, "a").await;
    let answer = server
        .batch(Method::POST, "non-existing", &[&known])
        .send()
        .await;
    assert_not_found(&answer, "CustomerGroup with id non-existing was not found");
}

/// 19
#[tokio::test]
async fn nobody_is_added_beside_customers_that_do_not_exist() {
    let (_shop, server) = opened().await;
    let group = server.group("batch").await;
    let (earlier, new) = (customer(&server, "a").await, customer(&server, "b").await);
    server
        .batch(Method::POST, &group, &[&earlier])
        .send()
        .await
        .ok();
    let asked = ["non-existing-1", &earlier, "non-existing-2", &new];
    let answer = server.batch(Method::POST, &group, &asked).send().await;
    let message = r#"The following customer ids do not exist: "non-existing-1, non-existing-2""#;
    assert_not_found(&answer, message);
    assert_eq!(server.groups_of(&earlier).await, [group]);
    assert_eq!(server.groups_of(&new).await, [""; 0]);
}

/// 20
#[tokio::test]
async fn name_and_metadata_are_updated_and_metadata_is_merged() {
    let (_shop, server) = opened().await;
    let body = json!({ "name": "group", "metadata": { "data1": "value1" } });
    let created = post(&server, GROUPS, &body).await.ok();
    let path = format!(
        "{GROUPS}/{}",
        created["customer_group"]["id"].as_str().unwrap()
    );
    let body = json!({ "name": "vip-customers",
        "metadata": { "metadata1": "metadata1", "metadata2": "metadata2" } });
    let answer = post(&server, &path, &body).await;
    assert_eq!(answer.status, 200);
    let group = &answer.json()["customer_group"];
    assert_eq!(group["name"], "vip-customers");
    let merged = json!({ "data1": "value1", "metadata1": "metadata1", "metadata2": "metadata2" });
    assert_eq!(group["metadata"], merged);
    assert_eq!(group.get("customers"), None);
}

/// 21
#[tokio::test]
async fn metadata_of_null_stays_null() {
    let (_shop, server) = opened().await;
    let body = json!({ "name": "group", "metadata": { "other": "value", "nullable": null } });
    let created = post(&server, GROUPS, &body).await.ok();
    let id = created["customer_group"]["id"].as_str().unwrap();
    let path = format!("{GROUPS}/{id}?expand=customers");
    let body = json!({ "metadata": { "nullable": null, "added": "text" } });
    let group = post(&server, &path, &body).await.ok()["customer_group"].clone();
    let merged = json!({ "other": "value", "nullable": null, "added": "text" });
    assert_eq!(
        (&group["metadata"], &group["customers"]),
        (&merged, &json!([]))
    );
}

/// 25
#[tokio::test]
async fn a_group_is_got_without_its_customers() {
    let (_shop, server) = opened().await;
    let group = server.group("got").await;
    let answer = get(&server, &format!("{GROUPS}/{group}")).await;
    let shown = answer.ok()["customer_group"].clone();
    assert_eq!(
        (&shown["id"], &shown["name"]),
        (&json!(group), &json!("got"))
    );
    assert_eq!(shown.get("customers"), None);
}

/// 26
#[tokio::test]
async fn a_group_is_got_with_its_customers() {
    let (_shop, server) = opened().await;
    let group = server.group("got").await;
    let (one, other) = (customer(&server, "a").await, customer(&server, "b").await);
    server
        .batch(Method::POST, &group, &[&one, &other])
        .send()
        .await
        .ok();
    let path = format!("{GROUPS}/{group}?expand=customers");
    let shown = lists::current_list(&server.medusa(Method::GET, &path))
        .await
        .ok();
    assert_eq!(ids(&shown["customer_group"]["customers"]), [one, other]);
}

/// 27
#[tokio::test]
async fn a_group_that_does_not_exist_is_not_found() {
    let (_shop, server) = opened().await;
    let answer = get(&server, &format!("{GROUPS}/does-not-exist")).await;
    assert_not_found(
        &answer,
        "CustomerGroup with id does-not-exist was not found",
    );
}

/// 28
#[tokio::test]
async fn customers_are_removed_many_at_once() {
    let (_shop, server) = opened().await;
    let group = server.group("batch").await;
    let (one, other) = (customer(&server, "a").await, customer(&server, "b").await);
    server
        .batch(Method::POST, &group, &[&one, &other])
        .send()
        .await
        .ok();
    let answer = server
        .batch(Method::DELETE, &group, &[&one, &other])
        .send()
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["customer_group"]["id"], json!(group));
    for known in [one, other] {
        assert_eq!(server.groups_of(&known).await, [""; 0]);
    }
}

/// 29
#[tokio::test]
async fn customers_are_removed_from_no_other_group() {
    let (_shop, server) = opened().await;
    let (group, kept) = (server.group("batch").await, server.group("kept").await);
    let known = customer(&server, "a").await;
    for group in [&group, &kept] {
        server
            .batch(Method::POST, group, &[&known])
            .send()
            .await
            .ok();
    }
    server
        .batch(Method::DELETE, &group, &[&known])
        .send()
        .await
        .ok();
    assert_eq!(server.groups_of(&known).await, [kept]);
}

/// 30
#[tokio::test]
async fn only_the_customers_that_are_named_are_removed() {
    let (_shop, server) = opened().await;
    let group = server.group("batch").await;
    let (one, other) = (customer(&server, "a").await, customer(&server, "b").await);
    server
        .batch(Method::POST, &group, &[&one, &other])
        .send()
        .await
        .ok();
    server
        .batch(Method::DELETE, &group, &[&one])
        .send()
        .await
        .ok();
    assert_eq!(server.groups_of(&one).await, [""; 0]);
    assert_eq!(server.groups_of(&other).await, [group]);
}

/// 31
#[tokio::test]
async fn customers_that_were_removed_are_removed_again() {
    let (_shop, server) = opened().await;
    let group = server.group("batch").await;
    let (one, other) = (customer(&server, "a").await, customer(&server, "b").await);
    server
        .batch(Method::POST, &group, &[&one, &other])
        .send()
        .await
        .ok();
    let remove = async || server.batch(Method::DELETE, &group, &[&one]).send().await;
    let (first, again) = (remove().await, remove().await);
    assert_eq!((first.status, again.status), (200, 200));
    assert_eq!(first.body, again.body);
    assert_eq!(server.groups_of(&other).await, [group]);
}

/// The ids in a list, ascending.
fn ids(list: &Value) -> Vec<String> {
    let id = |item: &Value| item["id"].as_str().unwrap().to_owned();
    let mut ids: Vec<String> = list.as_array().unwrap().iter().map(id).collect();
    ids.sort();
    ids
}
