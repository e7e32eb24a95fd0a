//! What the service's own role may not do, and what the append function refuses.

use customer_ledger::event_store::StoreError;
use customer_ledger::event_store::append::{Append, NewEvent, append};
use customer_ledger::event_store::point::ExpectedStream;
use customer_ledger::event_store::reader;
use events::ids::{Position, Sequence, StreamId};
use events::record::StreamKind;
use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::support::shop::Shop;

/// Connections that are the service's role from the start: there is no way back to the owner.
async fn service(shop: &Shop) -> PgPool {
    let mut owner = shop.database.owner().await;
    let name = format!("service_{:016x}", rand::random::<u64>());
    let create = format!("create role {name} login password 'p' in role ledger_app");
    sqlx::query(&create).execute(&mut owner).await.unwrap();
    let options = shop.database.app().username(&name).password("p");
    let options = options.options([("role", name.as_str())]);
    PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(options)
}

async fn owner(shop: &Shop) -> String {
    let mut owner = shop.database.owner().await;
    let name = sqlx::query_scalar("select current_user::text").fetch_one(&mut owner);
    name.await.unwrap()
}

const FORBIDDEN: [&str; 16] = [
    "insert into events select * from events",
    "update events set payload = '{}'",
    "update events set position = position",
    "delete from events",
    "truncate events",
    "select 1 from events for update",
    "alter table events disable trigger all",
    "alter table events owner to ledger_app",
    "drop table events",
    "create trigger t before insert on events for each row execute function suppress_redundant_updates_trigger()",
    "create or replace rule r as on insert to events do instead nothing",
    "alter function append owner to ledger_app",
    "drop function append",
    "insert into claims values ('main', 'medusa_id', 'x', 'y')",
    "delete from stream_keys",
    "update credentials set hash = 'x'",
];

#[tokio::test]
async fn the_services_role_cannot_change_what_was_recorded() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    server.registered("r@example.com").await;
    let before = reader::after(&shop.database.pool, Position::START, 100)
        .await
        .unwrap();
    let service = service(&shop).await;
    let reads: i64 = sqlx::query_scalar("select count(*) from events")
        .fetch_one(&service)
        .await
        .unwrap();
    assert_eq!(reads, 2);
    let become_owner = format!("set session authorization {}", owner(&shop).await);
    for statement in FORBIDDEN.into_iter().chain([become_owner.as_str()]) {
        let done = sqlx::query(statement).execute(&service).await;
        let error = done.expect_err(statement);
        let code = error
            .as_database_error()
            .unwrap()
            .code()
            .unwrap()
            .into_owned();
        assert_eq!(code, "42501", "{statement}: {error}");
    }
    // Granting what one does not have is answered with a warning only.
    let grant = "grant insert, update, delete, truncate on events to ledger_app";
    sqlx::query(grant).execute(&service).await.unwrap();
    let may: bool = sqlx::query_scalar(
        "select has_table_privilege('events', 'insert, update, delete, truncate')",
    )
    .fetch_one(&service)
    .await
    .unwrap();
    assert!(!may);
    assert_eq!(
        reader::after(&shop.database.pool, Position::START, 100)
            .await
            .unwrap(),
        before
    );
}

#[tokio::test]
async fn a_process_does_not_start_as_a_role_that_can_change_the_past() {
    let shop = Shop::open().await;
    let owner = owner(&shop).await;
    let (code, log) = shop.fails("api", &[("DATABASE_ROLE", &owner)]).await;
    assert_ne!(code, 0);
    assert!(log.contains("may change recorded events"), "{log}");
}

fn created(payload: &str, metadata: &str) -> Append {
    let stream = StreamId::new(ulid::Ulid::new().to_string());
    Append {
        streams: vec![ExpectedStream {
            kind: StreamKind::Customer,
            stream: stream.clone(),
            sequence: Sequence::START,
        }],
        events: vec![NewEvent {
            kind: StreamKind::Customer,
            stream,
            sequence: Sequence::FIRST,
            event_type: "CustomerCreated",
            event_version: "1.0.0",
            payload: payload.to_owned(),
            metadata: metadata.to_owned(),
        }],
        ..Append::default()
    }
}

#[tokio::test]
async fn a_personal_value_that_was_not_sealed_is_refused_and_not_told() {
    let shop = Shop::open().await;
    let mut connection = shop.database.pool.acquire().await.unwrap();
    let reason = serde_json::json!({ "reason": r#"{"$open":"readable"}"# }).to_string();
    for (payload, metadata) in [
        (
            r#"{"event":"CustomerCreated","email":{"$open":"readable"}}"#,
            "{}",
        ),
        (
            r#"{"event":"CustomerCreated","list":[{"$open":"readable"}]}"#,
            "{}",
        ),
        (r#"{"event":"CustomerCreated"}"#, reason.as_str()),
    ] {
        let error = append(
            &mut connection,
            &"main".into(),
            None,
            &[created(payload, metadata)],
        )
        .await
        .unwrap_err();
        let StoreError::Unavailable(error) = error else {
            panic!("{error}");
        };
        let code = error
            .as_database_error()
            .unwrap()
            .code()
            .unwrap()
            .into_owned();
        assert_eq!(code, "23514");
        assert!(!error.to_string().contains("readable"), "{error}");
    }
    assert_eq!(shop.head().await, 0);
    append(
        &mut connection,
        &"main".into(),
        None,
        &[created(r#"{"event":"CustomerCreated"}"#, "{}")],
    )
    .await
    .unwrap();
    assert_eq!(shop.head().await, 1);
}

#[tokio::test]
async fn a_password_is_an_argon2id_hash_beside_the_events_and_in_none() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.registered("r@example.com").await;
    let hash = async || -> String {
        sqlx::query_scalar("select hash from credentials where stream = $1")
            .bind(&known.stream)
            .fetch_one(&shop.database.pool)
            .await
            .unwrap()
    };
    let first = hash().await;
    assert!(
        first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{first}"
    );
    let body = serde_json::json!({ "password": "Another Secret" });
    let answer = server.update(&known.medusa, &body).await;
    assert!(!answer.body.contains("argon2") && !answer.body.contains("Another Secret"));
    assert_ne!(hash().await, first);
    let changed: Value = sqlx::query_scalar(
        "select payload from events where event_type = 'CredentialChanged' order by position desc limit 1",
    )
    .fetch_one(&shop.database.pool)
    .await
    .unwrap();
    assert_eq!(
        changed,
        serde_json::json!({ "event": "CredentialChanged", "credential": "password" })
    );
    let all: Vec<String> = sqlx::query_scalar("select e::text from events e")
        .fetch_all(&shop.database.pool)
        .await
        .unwrap();
    let all = all.join("\n");
    assert!(!all.contains("argon2") && !all.contains("Secret") && !all.contains("secret"));
}
