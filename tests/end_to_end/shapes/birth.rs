//! Born in one shop, there in both: ids, account and state, and what an order system would add.

use events::CustomerEvent;
use events::customer::{CustomerState, CustomerUpdated};
use serde_json::{Value, json};

use super::open;
use crate::support::customer::Known;
use crate::support::shop::Shop;

#[track_caller]
fn assert_minted(known: &Known) {
    assert_eq!(known.medusa, format!("cus_{}", known.stream));
    assert_eq!(known.stream.len(), 26);
    let digits = known.shopline.bytes().all(|b| b.is_ascii_digit());
    assert!(digits && known.shopline.len() == 10, "{}", known.shopline);
}

#[tokio::test]
async fn both_ids_are_minted_at_birth_whichever_shop_asks() {
    let (shop, server) = open().await;
    let guest = server.guest("ann@example.com").await;
    let app = server
        .app_customer(&json!({ "phone": "0015834564475" }))
        .await;
    for known in [&guest, &app] {
        assert_minted(known);
        assert_eq!(shop.event_types(&known.stream).await, ["CustomerCreated"]);
        assert_eq!(server.in_medusa(known).await["id"], *known.medusa);
        assert_eq!(server.in_shopline(known).await["id"], *known.shopline);
    }
    assert!(guest.shopline < app.shopline, "SHOPLINE's ids ascend");
}

#[tokio::test]
async fn a_customer_born_in_shopline_is_whole_in_medusa() {
    let (_shop, server) = open().await;
    let bob = include_str!("../../conformance/shopline/create_request.synthetic.json");
    let bob: Value = serde_json::from_str(bob).unwrap();
    let known = server.app_customer(&bob["customer"]).await;
    let medusa = server.in_medusa(&known).await;
    for (member, value) in [
        ("email", json!("bob@example.com")),
        ("first_name", json!("Bob")),
        ("last_name", json!("Norman")),
        ("phone", json!("001467326483")),
        ("has_account", json!(false)),
        ("metadata", Value::Null),
        ("billing_address", Value::Null),
        ("billing_address_id", Value::Null),
        ("deleted_at", Value::Null),
        ("groups", json!([])),
        ("orders", json!([])),
    ] {
        assert_eq!(medusa[member], value, "{member}");
    }
    let address = &medusa["shipping_addresses"][0];
    assert_eq!(address["address_1"], "1 Test Street");
    assert_eq!(address["customer_id"], *known.medusa);
    assert!(address["id"].as_str().unwrap().starts_with("addr_"));
}

#[tokio::test]
async fn a_customer_born_in_medusa_is_whole_in_shopline() {
    let (_shop, server) = open().await;
    let body = json!({ "email": "Rea@Example.com", "first_name": "Rea", "last_name": "Gister",
        "phone": "+49 30 1234", "password": "secret", "metadata": { "vip": true } });
    let answer = server.post_medusa(&body).await.ok();
    let known = server
        .known(answer["customer"]["id"].as_str().unwrap())
        .await;
    let shopline = server.in_shopline(&known).await;
    for (member, value) in [
        ("email", json!("rea@example.com")),
        ("first_name", json!("Rea")),
        ("last_name", json!("Gister")),
        ("phone", json!("+49 30 1234")),
        ("note", json!("")),
        ("tags", json!("")),
        ("birthday", json!("")),
        ("gender", json!("others")),
        ("addresses", json!([])),
        ("accepts_marketing", json!(false)),
        ("email_subscribe_flag", json!(2)),
        ("mobile_subscribe_flag", json!(2)),
        ("verified_email", json!(false)),
        ("state", json!(3)),
        ("orders_count", json!(0)),
        ("total_spent", json!("0")),
        ("currency", json!("USD")),
    ] {
        assert_eq!(shopline[member], value, "{member}");
    }
    for absent in [
        "default_address",
        "last_order_id",
        "asid",
        "accepts_marketing_updated_at",
    ] {
        assert!(shopline.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn an_account_is_state_3_and_a_guest_or_an_apps_customer_state_1() {
    let (_shop, server) = open().await;
    let registered = server.registered("r@example.com").await;
    let guest = server.guest("g@example.com").await;
    let app = server
        .app_customer(&json!({ "email": "a@example.com" }))
        .await;
    for (known, has_account, state) in [(registered, true, 3), (guest, false, 1), (app, false, 1)] {
        assert_eq!(server.in_medusa(&known).await["has_account"], has_account);
        assert_eq!(server.in_shopline(&known).await["state"], state);
    }
}

#[tokio::test]
async fn the_currency_of_a_customer_without_orders_is_the_stores() {
    let shop = Shop::open().await;
    let server = shop.serve_with("api", &[("STORE_CURRENCY", "TWD")]).await;
    let known = server.guest("g@example.com").await;
    assert_eq!(server.in_shopline(&known).await["currency"], "TWD");
    let answer = server.put(&known.shopline, &json!({})).await.ok();
    assert_eq!(answer["customer"]["currency"], "TWD");
}

#[tokio::test]
async fn a_password_given_to_a_guest_registers_nobody() {
    let (_shop, server) = open().await;
    let guest = server.guest("g@example.com").await;
    server
        .update(&guest.medusa, &json!({ "password": "p" }))
        .await
        .ok();
    assert_eq!(server.in_medusa(&guest).await["has_account"], false);
    assert_eq!(server.in_shopline(&guest).await["state"], 1);
}

#[tokio::test]
async fn invited_and_disabled_are_shoplines_own_states() {
    let (shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let before = server.in_medusa(&known).await;
    for (state, shown) in [(CustomerState::Invited, 2), (CustomerState::Disabled, 0)] {
        let updated = CustomerUpdated {
            state: Some(state),
            ..CustomerUpdated::default()
        };
        let events = vec![CustomerEvent::CustomerUpdated(updated)];
        shop.record(&known.stream, events).await;
        assert_eq!(server.in_shopline(&known).await["state"], shown);
        assert_eq!(server.in_medusa(&known).await, before);
    }
}
