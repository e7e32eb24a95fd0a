//! A record that somebody changed behind the ledger's back is found when it is read, and its values
//! are not told.

use devkit::wait;
use serde_json::json;

use crate::support::customer::Known;
use crate::support::shop::Shop;

/// A customer whose events a statement of the owner's then changes.
async fn tampered(statement: &str) -> (Shop, Known) {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("readable@example.com").await;
    let other = server.guest("other@example.com").await;
    server
        .update(&other.medusa, &json!({ "first_name": "Other" }))
        .await
        .ok();
    let mut owner = shop.database.owner().await;
    let changed = sqlx::query(statement)
        .bind(&known.stream)
        .execute(&mut owner)
        .await
        .unwrap();
    assert_eq!(changed.rows_affected(), 1);
    (shop, known)
}

/// A fresh process, which has nothing cached, cannot read the customer, and says so without values.
async fn assert_found(statement: &str) {
    let (shop, known) = tampered(statement).await;
    let server = shop.serve("api").await;
    let head = shop.head().await;
    for answer in [
        server.get_medusa(&known.medusa).await,
        server
            .update(&known.medusa, &json!({ "last_name": "Unapplied" }))
            .await,
    ] {
        let unknown = json!({ "code": "unknown_error", "type": "unknown_error",
            "message": "An unknown error occurred." });
        assert_eq!((answer.status, answer.json()), (500, unknown));
    }
    for answer in [
        server.get_shopline(&known.shopline).await,
        server
            .put(&known.shopline, &json!({ "note": "Unapplied" }))
            .await,
    ] {
        assert_eq!(
            (answer.status, answer.json()),
            (500, json!({ "errors": "System error" }))
        );
    }
    assert_eq!(shop.head().await, head);
    wait::until("the log tells", async || {
        let log = server.log.lock().unwrap();
        (log.matches("the ledger could not be read").count() == 4).then_some(())
    })
    .await;
    let log = server.log.lock().unwrap().clone();
    for value in ["readable", "Unapplied", "Gustavius", "Guest", "$sealed"] {
        assert!(!log.contains(value), "{value} in {log}");
    }
}

#[tokio::test]
async fn a_sealed_value_that_was_changed_is_found() {
    assert_found(
        "update events set payload = jsonb_set(payload::jsonb, '{email,$sealed,c}', \
            to_jsonb(reverse(payload#>>'{email,$sealed,c}')))::json where aggregate_id = $1",
    )
    .await;
}

#[tokio::test]
async fn a_sealed_value_that_was_moved_to_another_member_is_found() {
    assert_found(
        "update events set payload = jsonb_set(payload::jsonb, '{first_name}', \
            (payload->'last_name')::jsonb)::json where aggregate_id = $1",
    )
    .await;
}

#[tokio::test]
async fn a_sealed_value_of_another_customer_is_found() {
    assert_found(
        "update events e set payload = jsonb_set(e.payload::jsonb, '{email}', \
            (select o.payload->'email' from events o where o.aggregate_id <> $1 \
             and o.event_type = 'CustomerCreated')::jsonb)::json where aggregate_id = $1",
    )
    .await;
}

#[tokio::test]
async fn a_payload_that_is_no_event_is_found() {
    assert_found(
        "update events set payload = (payload::jsonb - 'has_account')::json where aggregate_id = $1",
    )
    .await;
}

#[tokio::test]
async fn a_key_of_another_master_key_is_found() {
    assert_found("update stream_keys set wrapped = decode(reverse(encode(wrapped, 'hex')), 'hex') where stream = $1")
        .await;
}
