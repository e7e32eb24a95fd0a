//! Names, phones, and what only one of the shops knows.

use hyper::Method;
use serde_json::{Value, json};

use super::{assert_refused, open};

#[tokio::test]
async fn an_empty_name_of_an_apps_is_null_in_medusa_and_null_of_an_apps_is_nothing() {
    let (shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let cleared = json!({ "first_name": "", "last_name": null });
    server.put(&known.shopline, &cleared).await.ok();
    let medusa = server.in_medusa(&known).await;
    assert_eq!(
        (&medusa["first_name"], &medusa["last_name"]),
        (&Value::Null, &json!("Guest"))
    );
    let head = shop.head().await;
    server.put(&known.shopline, &cleared).await.ok();
    assert_eq!(shop.head().await, head);
}

#[tokio::test]
async fn a_name_that_medusa_empties_or_has_not_is_an_empty_text_in_shopline() {
    let (shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let emptied = json!({ "first_name": "", "last_name": null });
    server.update(&known.medusa, &emptied).await.ok();
    let shopline = server.in_shopline(&known).await;
    assert_eq!(
        (&shopline["first_name"], &shopline["last_name"]),
        (&json!(""), &json!(""))
    );
    let medusa = server.in_medusa(&known).await;
    assert_eq!(
        (&medusa["first_name"], &medusa["last_name"]),
        (&json!(""), &Value::Null)
    );
    // What SHOPLINE shows for both comes back and changes neither.
    let head = shop.head().await;
    let read = json!({ "first_name": "", "last_name": "" });
    server.put(&known.shopline, &read).await.ok();
    assert_eq!(shop.head().await, head);
}

#[tokio::test]
async fn a_phone_is_shown_as_written_in_either_shop() {
    let (_shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    for (phone, through_medusa) in [("+49 (30) 12-34 ext. 5", true), ("0049301234", false)] {
        if through_medusa {
            server
                .update(&known.medusa, &json!({ "phone": phone }))
                .await
                .ok();
        } else {
            server
                .put(&known.shopline, &json!({ "phone": phone }))
                .await
                .ok();
        }
        assert_eq!(server.in_medusa(&known).await["phone"], phone);
        assert_eq!(server.in_shopline(&known).await["phone"], phone);
    }
}

#[tokio::test]
async fn an_app_cannot_take_a_phone_that_anybody_has_however_it_is_written() {
    let (shop, server) = open().await;
    let holder = server.guest("holder@example.com").await;
    server
        .update(&holder.medusa, &json!({ "phone": "+86 158-3456" }))
        .await
        .ok();
    let known = server
        .app_customer(&json!({ "email": "a@example.com" }))
        .await;
    let head = shop.head().await;
    for taken in ["+86 158-3456", "0086 (158) 3456", "00861583456"] {
        let phone = json!({ "phone": taken });
        let message = "phone has already been taken";
        assert_refused(&server.put(&known.shopline, &phone).await, 422, message);
        assert_refused(&server.post_shopline(&phone).await, 422, message);
    }
    assert_eq!(shop.head().await, head);
    // Another country's number, and the holder's own in another writing.
    server
        .put(&known.shopline, &json!({ "phone": "861583456" }))
        .await
        .ok();
    server
        .put(&holder.shopline, &json!({ "phone": "00861583456" }))
        .await
        .ok();
}

#[tokio::test]
async fn medusa_lets_customers_share_a_phone_and_shopline_leaves_it_so() {
    let (_shop, server) = open().await;
    let one = server.guest("one@example.com").await;
    let other = server.guest("other@example.com").await;
    let phone = json!({ "phone": "0015834564475" });
    for known in [&one, &other] {
        server.update(&known.medusa, &phone).await.ok();
    }
    let kept = json!({ "phone": "0015834564475", "note": "kept" });
    let answer = server.put(&other.shopline, &kept).await.ok();
    assert_eq!(answer["customer"]["note"], "kept");
}

#[tokio::test]
async fn metadata_is_medusas_alone_and_survives_an_app() {
    let (_shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let metadata = json!({ "loyalty": "gold-metadata", "tags": ["not a tag"] });
    server
        .update(&known.medusa, &json!({ "metadata": metadata }))
        .await
        .ok();
    let whole = json!({ "note": "n", "tags": "t", "first_name": "F", "metadata": { "a": 1 } });
    let answer = server.put(&known.shopline, &whole).await;
    assert!(!answer.body.contains("metadata") && !answer.body.contains("not a tag"));
    assert!(
        !server
            .in_shopline(&known)
            .await
            .to_string()
            .contains("gold-metadata")
    );
    assert_eq!(server.in_medusa(&known).await["metadata"], metadata);
}

#[tokio::test]
async fn what_only_shopline_knows_survives_medusa_and_is_not_shown_there() {
    let (_shop, server) = open().await;
    let own = json!({ "email": "a@example.com", "tags": "loyal, vip,loyal", "note": "likes tea",
        "birthday": "19990304", "gender": 2, "accepts_marketing": true });
    let known = server.app_customer(&own).await;
    let update = json!({ "first_name": "F", "metadata": { "a": 1 }, "phone": "1" });
    server.update(&known.medusa, &update).await.ok();
    let shopline = server.in_shopline(&known).await;
    for (member, value) in [
        ("tags", json!("loyal,vip")),
        ("note", json!("likes tea")),
        ("birthday", json!("19990304")),
        ("gender", json!("female")),
        ("accepts_marketing", json!(true)),
        ("email_subscribe_flag", json!(1)),
    ] {
        assert_eq!(shopline[member], value, "{member}");
    }
    let medusa = server.in_medusa(&known).await;
    assert_eq!(medusa["metadata"], json!({ "a": 1 }));
    for hidden in ["loyal", "likes tea", "19990304", "female", "marketing"] {
        assert!(!medusa.to_string().contains(hidden), "{hidden}");
    }
}

#[tokio::test]
async fn groups_are_never_tags_and_tags_are_never_groups() {
    let (shop, server) = open().await;
    let group = server.group("wholesale").await;
    let known = server.guest("g@example.com").await;
    let groups = json!({ "groups": [{ "id": group }] });
    server.update(&known.medusa, &groups).await.ok();
    assert_eq!(server.in_shopline(&known).await["tags"], "");
    // The group's own name and id, as tags: no app grants prices by tagging.
    let other = json!({ "email": "t@example.com", "tags": format!("wholesale,{group}") });
    let tagged = server.app_customer(&other).await;
    assert_eq!(server.in_medusa(&tagged).await["groups"], json!([]));
    server
        .put(&known.shopline, &json!({ "tags": "a,b" }))
        .await
        .ok();
    let medusa = server.in_medusa(&known).await;
    let ids: Vec<&Value> = medusa["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| &g["id"])
        .collect();
    assert_eq!(ids, [&json!(group)]);
    let events = shop.event_types(&known.stream).await;
    assert_eq!(
        events,
        ["CustomerCreated", "GroupsAssigned", "CustomerUpdated"]
    );
}

#[tokio::test]
async fn marketing_needs_an_email_only_when_it_changes() {
    let (_shop, server) = open().await;
    let known = server
        .app_customer(&json!({ "phone": "0015834564475" }))
        .await;
    let answer = server
        .put(&known.shopline, &json!({ "accepts_marketing": true }))
        .await;
    assert_refused(&answer, 422, "accepts_marketing requires an email");
    let unchanged = json!({ "accepts_marketing": false, "note": "n" });
    server.put(&known.shopline, &unchanged).await.ok();
    server
        .update(&known.medusa, &json!({ "email": "now@example.com" }))
        .await
        .ok();
    let answer = server
        .put(&known.shopline, &json!({ "accepts_marketing": true }))
        .await
        .ok();
    assert_eq!(answer["customer"]["email_subscribe_flag"], 1);
    assert!(answer["customer"]["accepts_marketing_updated_at"].is_string());
}

#[tokio::test]
async fn what_shopline_answered_comes_back_whole_however_unfit_and_changes_nothing() {
    let (shop, server) = open().await;
    let long = "x".repeat(300);
    let body = json!({ "email": format!("{}@example.com", "e".repeat(60)), "first_name": long,
        "last_name": long, "phone": long, "password": "" });
    let created = server.post_medusa(&body).await.ok();
    let known = server
        .known(created["customer"]["id"].as_str().unwrap())
        .await;
    shop.add_addresses(&known.stream, vec![super::addresses::written(&long)])
        .await;
    let answer = server
        .put(&known.shopline, &json!({ "note": "n" }))
        .await
        .ok();
    let head = shop.head().await;
    let again = server.put(&known.shopline, &answer["customer"]).await.ok();
    assert_eq!(again, answer);
    assert_eq!(shop.head().await, head);
    // One field more changes that field alone.
    let mut changed = answer["customer"].clone();
    changed["note"] = json!("m");
    server.put(&known.shopline, &changed).await.ok();
    assert_eq!(shop.head().await, head + 1);
}

#[tokio::test]
async fn what_a_read_shows_comes_back_but_for_the_gender_that_has_two_types() {
    let (shop, server) = open().await;
    let known = server
        .app_customer(&json!({ "email": "a@example.com", "gender": 1 }))
        .await;
    let mut read = server.in_shopline(&known).await;
    let head = shop.head().await;
    // SHOPLINE reads a word and wants a number: its own contradiction.
    let answer = server.put(&known.shopline, &read).await;
    assert_refused(&answer, 400, "gender must be an integer");
    read.as_object_mut().unwrap().shift_remove("gender");
    server.put(&known.shopline, &read).await.ok();
    assert_eq!(shop.head().await, head);
    let path = format!("/admin/customers/{}", known.medusa);
    let nothing = server
        .medusa(Method::POST, &path)
        .json(&json!({}))
        .send()
        .await;
    nothing.ok();
    assert_eq!(shop.head().await, head);
}
