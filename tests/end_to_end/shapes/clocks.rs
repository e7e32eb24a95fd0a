//! Times: one instant in two notations, and two clocks that move for what each shop shows.

use events::address::Slot;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::addresses::written;
use super::open;
use crate::support::customer::Known;
use crate::support::shop::{Server, Shop};

async fn clocks(server: &Server, known: &Known) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        text(&server.in_medusa(known).await["updated_at"]),
        text(&server.in_shopline(known).await["updated_at"]),
    )
}

/// When a customer last changed, by each shop's own view, to the microsecond.
async fn moments(shop: &Shop, known: &Known) -> (Timestamp, Timestamp) {
    let ledger = shop.ledger();
    let loaded = ledger
        .load::<customer_ledger::domain::customer::Customer>(&known.stream)
        .await
        .unwrap();
    (
        loaded.views.medusa.updated_at,
        loaded.views.shopline.updated_at,
    )
}

#[tokio::test]
async fn one_instant_is_milliseconds_in_utc_and_seconds_in_the_stores_zone() {
    let shop = Shop::open().await;
    for (zone, settings) in [
        ("Asia/Shanghai", vec![]),
        (
            "America/New_York",
            vec![("STORE_TIME_ZONE", "America/New_York")],
        ),
    ] {
        let server = shop.serve_with("api", &settings).await;
        let known = server.guest(&format!("{}@example.com", zone.len())).await;
        let (instant, _) = moments(&shop, &known).await;
        let zone = TimeZone::get(zone).unwrap();
        let medusa = instant.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
        let shopline = instant
            .to_zoned(zone)
            .strftime("%Y-%m-%dT%H:%M:%S%:z")
            .to_string();
        let (customer, app) = (
            server.in_medusa(&known).await,
            server.in_shopline(&known).await,
        );
        for member in ["created_at", "updated_at"] {
            assert_eq!(customer[member], *medusa);
            assert_eq!(app[member], *shopline);
        }
    }
}

#[tokio::test]
async fn what_medusa_does_not_show_moves_only_shoplines_clock() {
    let (shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    for unseen in [
        json!({ "tags": "a,b" }),
        json!({ "note": "n" }),
        json!({ "birthday": "19990304" }),
        json!({ "gender": 3 }),
        json!({ "accepts_marketing": true }),
    ] {
        let (before, shown) = (moments(&shop, &known).await, clocks(&server, &known).await);
        server.put(&known.shopline, &unseen).await.ok();
        let after = moments(&shop, &known).await;
        assert!(after.0 == before.0 && after.1 > before.1, "{unseen}");
        assert_eq!(clocks(&server, &known).await.0, shown.0, "{unseen}");
    }
}

#[tokio::test]
async fn what_shopline_does_not_show_never_moves_its_clock() {
    let (shop, server) = open().await;
    let known = server.registered("r@example.com").await;
    let group = server.group("vip").await;
    // What is set, and whether Medusa's clock moves with it.
    for (unseen, moves) in [
        (json!({ "metadata": { "a": 1 } }), true),
        (json!({ "groups": [{ "id": group }] }), false),
        (json!({ "groups": [] }), false),
        (json!({ "password": "another" }), true),
    ] {
        let before = moments(&shop, &known).await;
        server.update(&known.medusa, &unseen).await.ok();
        let after = moments(&shop, &known).await;
        assert_eq!((after.0 > before.0, after.1), (moves, before.1), "{unseen}");
        assert_eq!(
            server.in_medusa(&known).await["updated_at"],
            *after.0.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
        );
    }
}

#[tokio::test]
async fn what_both_show_moves_both_clocks_at_once() {
    let (shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let before = moments(&shop, &known).await;
    server
        .put(&known.shopline, &json!({ "first_name": "F" }))
        .await
        .ok();
    let put = moments(&shop, &known).await;
    assert!(put.0 == put.1 && put.0 > before.0);
    server
        .update(&known.medusa, &json!({ "phone": "1" }))
        .await
        .ok();
    let posted = moments(&shop, &known).await;
    assert!(posted.0 == posted.1 && posted.0 > put.0);
}

#[tokio::test]
async fn an_address_moves_shoplines_clock_and_a_billing_address_medusas() {
    let (shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let before = moments(&shop, &known).await;
    shop.add_addresses(&known.stream, vec![written("listed")])
        .await;
    let listed = moments(&shop, &known).await;
    assert!(listed.0 == before.0 && listed.1 > before.1);
    let mut billing = written("billed");
    billing.slot = Slot::Billing;
    shop.add_addresses(&known.stream, vec![billing]).await;
    let billed = moments(&shop, &known).await;
    assert!(billed.0 > listed.0 && billed.1 == listed.1);
}

#[tokio::test]
async fn a_request_that_changes_nothing_moves_no_clock() {
    let (shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let (before, head) = (moments(&shop, &known).await, shop.head().await);
    let same = json!({ "first_name": "Gustavius", "last_name": "Guest", "email": "g@example.com" });
    server.put(&known.shopline, &same).await.ok();
    server.put(&known.shopline, &json!({})).await.ok();
    server.update(&known.medusa, &same).await.ok();
    server
        .update(&known.medusa, &json!({ "groups": [] }))
        .await
        .ok();
    assert_eq!(
        (moments(&shop, &known).await, shop.head().await),
        (before, head)
    );
}
