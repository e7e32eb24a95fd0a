//! Deleted and erased customers: each shop's own "not found", and nothing readable left.

use customer_ledger::domain::customer::Command;
use customer_ledger::kafka::projector::{Projection, watermark};
use devkit::wait;
use events::ids::Sequence;
use serde_json::{Value, json};

use super::{assert_medusa_refused, assert_refused, open};
use crate::support::customer::Known;
use crate::support::shop::{Server, Shop};

async fn assert_gone(server: &Server, known: &Known) {
    let message = format!("Customer with id: {} was not found", known.medusa);
    assert_medusa_refused(&server.get_medusa(&known.medusa).await, 404, &message);
    let update = json!({ "first_name": "again" });
    let answer = server.update(&known.medusa, &update).await;
    assert_medusa_refused(&answer, 404, &message);
    let nowhere = "The requested data does not exist.";
    assert_refused(&server.get_shopline(&known.shopline).await, 406, nowhere);
    assert_refused(&server.put(&known.shopline, &update).await, 406, nowhere);
    // The ledger itself keeps the place.
    let ids = server.ids(&known.medusa).await.ok();
    assert_eq!(ids["ids"]["shopline"], *known.shopline);
}

/// Gives the customer's e-mail and phone to others, through both shops.
async fn assert_free(server: &Server, email: &str, phone: &str) {
    let other = server
        .app_customer(&json!({ "email": email.to_uppercase(), "phone": phone }))
        .await;
    server.guest(email).await;
    server.registered(email).await;
    server.in_medusa(&other).await;
}

#[tokio::test]
async fn a_deleted_customer_is_gone_in_both_and_its_email_and_phone_are_free() {
    let (shop, server) = open().await;
    let known = server.registered("r@example.com").await;
    server
        .update(&known.medusa, &json!({ "phone": "+1 555" }))
        .await
        .ok();
    shop.execute(&known.stream, Command::Delete).await;
    assert_gone(&server, &known).await;
    assert_free(&server, "r@example.com", "001555").await;
}

#[tokio::test]
async fn an_erased_customer_is_gone_in_both_and_its_email_and_phone_are_free() {
    let (shop, server) = open().await;
    let known = server.registered("r@example.com").await;
    server
        .update(&known.medusa, &json!({ "phone": "+1 555" }))
        .await
        .ok();
    shop.execute(&known.stream, Command::Erase).await;
    assert_gone(&server, &known).await;
    assert_free(&server, "r@example.com", "001555").await;
    // Once is enough.
    let head = shop.head().await;
    shop.execute(&known.stream, Command::Erase).await;
    assert_eq!(shop.head().await, head);
}

/// Tables that are not about customers, or whose every column is known not to be.
const OTHERS: [&str; 4] = [
    "medusa_users",
    "shopline_apps",
    "_sqlx_migrations",
    "sql_files",
];

/// All that the database holds, as text. The service itself may not read all of it.
async fn everything(shop: &Shop) -> String {
    let mut owner = shop.database.owner().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "select tablename::text from pg_tables where schemaname = 'public' order by 1",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    let mut all = String::new();
    for table in tables
        .iter()
        .filter(|table| !OTHERS.contains(&table.as_str()))
    {
        let sql = format!("select coalesce(string_agg(t::text, E'\\n'), '') from {table} t");
        let rows: String = sqlx::query_scalar(&sql)
            .fetch_one(&mut owner)
            .await
            .unwrap();
        all.push_str(&rows);
    }
    all.to_lowercase()
}

async fn rows_of(shop: &Shop, sql: &str, stream: &str) -> i64 {
    sqlx::query_scalar(sql)
        .bind(stream)
        .fetch_one(&shop.database.pool)
        .await
        .unwrap()
}

async fn projected(shop: &Shop) {
    let (head, topic) = (
        shop.head().await,
        customer_ledger::kafka::topic(&shop.kafka.prefix, 1),
    );
    for projection in Projection::ALL {
        wait::until("the views hold everything", async || {
            let reached = watermark(&shop.database.pool, &topic, projection)
                .await
                .unwrap();
            (reached.get() >= head).then_some(())
        })
        .await;
    }
}

/// A registered customer with a personal value in every member that there is.
async fn secretive(shop: &Shop, server: &Server) -> Known {
    let body = json!({ "email": "readable-email@example.com", "first_name": "readable-first",
        "last_name": "readable-last", "phone": "+1 readable-phone 5550001", "password": "secret",
        "metadata": { "readable-key": "readable-value" } });
    let created = server.post_medusa(&body).await.ok();
    let known = server
        .known(created["customer"]["id"].as_str().unwrap())
        .await;
    let update = json!({ "note": "readable-note", "tags": "readable-tag", "birthday": "19770707",
        "gender": 2 });
    server.put(&known.shopline, &update).await.ok();
    let address = super::addresses::written("readable-address");
    shop.add_addresses(&known.stream, vec![address]).await;
    server
        .medusa(
            hyper::Method::POST,
            &format!("/admin/customers/{}", known.medusa),
        )
        .header("Ledger-On-Behalf-Of", "readable-behalf")
        .header("Ledger-Reason", "readable-reason")
        .header("Idempotency-Key", "readable-idempotency")
        .json(&json!({ "first_name": "readable-second" }))
        .send()
        .await
        .ok();
    known
}

#[tokio::test]
async fn after_erasure_nothing_can_be_read_in_any_table() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let known = secretive(&shop, &server).await;
    projected(&shop).await;
    let before = everything(&shop).await;
    assert!(
        before.contains("readable-email"),
        "the views are searched in the clear"
    );
    shop.execute(&known.stream, Command::Erase).await;
    projected(&shop).await;
    let after = everything(&shop).await;
    for personal in ["readable", "5550001", "19770707", "female", "argon2"] {
        assert!(!after.contains(personal), "{personal} can be read");
    }
    for (what, sql) in [
        ("marks", "select count(*) from marks where holder = $1"),
        (
            "credentials",
            "select count(*) from credentials where stream = $1",
        ),
        ("keys", "select count(*) from stream_keys where stream = $1"),
        (
            "claims",
            "select count(*) from claims where holder = $1 and kind not in ('medusa_id', 'shopline_id')",
        ),
    ] {
        assert_eq!(rows_of(&shop, sql, &known.stream).await, 0, "{what}");
    }
    assert_gone(&server, &known).await;
}

#[tokio::test]
async fn what_is_erased_stays_sealed_in_the_events_and_opens_for_nobody() {
    let (shop, server) = open().await;
    let known = secretive(&shop, &server).await;
    let events = shop.event_types(&known.stream).await.len();
    shop.execute(&known.stream, Command::Erase).await;
    let ledger = shop.ledger();
    let then = ledger
        .load_until::<customer_ledger::domain::customer::Customer>(
            &known.stream,
            Sequence::new(i64::try_from(events).unwrap()),
        )
        .await
        .unwrap();
    assert!(then.is_erased());
    assert_eq!(then.aggregate.profile.email, None);
    assert_eq!(then.views.medusa.profile.email, None);
    let sealed: i64 = rows_of(
        &shop,
        "select count(*) from events where aggregate_id = $1 and payload::text like '%$sealed%'",
        &known.stream,
    )
    .await;
    assert!(sealed > 0);
}

#[tokio::test]
async fn a_repeated_request_of_an_erased_customer_is_not_answered_again() {
    let (shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let path = format!("/admin/customers/{}", known.medusa);
    let medusa = || {
        let call = server
            .medusa(hyper::Method::POST, &path)
            .header("Idempotency-Key", "k");
        call.json(&json!({ "first_name": "F" })).send()
    };
    let path = format!("customers/{}.json", known.shopline);
    let shopline = || {
        let call = server
            .shopline(hyper::Method::PUT, &path)
            .header("Idempotency-Key", "k");
        call.json(&json!({ "customer": { "note": "n" } })).send()
    };
    medusa().await.ok();
    shopline().await.ok();
    shop.execute(&known.stream, Command::Erase).await;
    let head = shop.head().await;
    assert_eq!((medusa().await.status, shopline().await.status), (404, 406));
    assert_eq!(shop.head().await, head);
}

#[tokio::test]
async fn a_deleted_customer_can_still_be_erased() {
    let (shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    for command in [Command::Delete, Command::Erase] {
        shop.execute(&known.stream, command).await;
        assert_gone(&server, &known).await;
    }
    let events = shop.event_types(&known.stream).await;
    assert_eq!(
        events,
        ["CustomerCreated", "CustomerDeleted", "PersonalDataErased"]
    );
    let ids: Value = server.ids(&known.stream).await.ok();
    assert_eq!(ids["sequence"], 3);
}
