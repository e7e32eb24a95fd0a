//! Claims and marks follow from the events alone: what the tables hold can be rebuilt.

use std::collections::BTreeSet;

use customer_ledger::domain::claims::{Holds, is_id, of_customer, of_group};
use customer_ledger::domain::customer::{Command, Customer};
use customer_ledger::domain::group::CustomerGroup;
use customer_ledger::event_store::Stream;
use customer_ledger::event_store::append::{Append, ClaimChange, MarkChange, append};
use customer_ledger::event_store::keys::keyring::Keyring;
use events::ids::StreamId;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use crate::support::shop::{Server, Shop};

/// (claim or mark, kind, key, holder).
type Held = (&'static str, String, Vec<u8>, String);

/// Customers and groups whose claims were taken, moved, shared and freed.
async fn lives(shop: &Shop, server: &Server) {
    let guest = server.guest("shared@example.com").await;
    let registered = server.registered("shared@example.com").await;
    let app = server.app_customer(&json!({ "phone": "+1 (555) 1" })).await;
    let group = server.group("vip").await;
    let gone = server.group("gone").await;
    server
        .update(
            &guest.medusa,
            &json!({ "email": "Guest@Example.com", "phone": "001 5551" }),
        )
        .await
        .ok();
    server
        .put(
            &registered.shopline,
            &json!({ "email": "moved@example.com", "phone": "2" }),
        )
        .await
        .ok();
    server
        .put(
            &registered.shopline,
            &json!({ "email": "Moved@example.com", "phone": "" }),
        )
        .await
        .ok();
    server
        .put(&app.shopline, &json!({ "email": "app@example.com" }))
        .await
        .ok();
    server
        .put(&app.shopline, &json!({ "email": "", "phone": "no digits" }))
        .await
        .ok();
    server
        .update(&guest.medusa, &json!({ "groups": [{ "id": group }] }))
        .await
        .ok();
    shop.delete_group(&gone).await;
    server.group("gone").await;
    let deleted = server.guest("deleted@example.com").await;
    shop.execute(&deleted.stream, Command::Delete).await;
    let erased = server.registered("deleted@example.com").await;
    shop.execute(&erased.stream, Command::Erase).await;
    let refused = json!({ "email": "guest@example.COM" });
    assert_eq!(server.post_shopline(&refused).await.status, 422);
}

fn held(keyring: &Keyring, stream: &str, holds: &Holds) -> Vec<Held> {
    let hash = |kind: &str, value: &str| {
        if is_id(kind) {
            value.as_bytes().to_vec()
        } else {
            keyring.hash_claim(kind, value).to_vec()
        }
    };
    let of = |what, kind: &str, value: &str| {
        (what, kind.to_owned(), hash(kind, value), stream.to_owned())
    };
    let claims = holds
        .claims
        .iter()
        .map(|(kind, value)| of("claim", kind, &value.0));
    let marks = holds
        .marks
        .keys()
        .map(|(kind, value)| of("mark", kind, &value.0));
    claims.chain(marks).collect()
}

async fn rebuilt<S: Stream>(shop: &Shop, of: fn(&S) -> Holds) -> Vec<Held> {
    let streams: Vec<StreamId> =
        sqlx::query_scalar("select distinct aggregate_id from events where aggregate_type = $1")
            .bind(S::KIND.name())
            .fetch_all(&shop.database.pool)
            .await
            .unwrap();
    let (ledger, keyring) = (shop.ledger(), crate::support::shop::keyring());
    let mut all = vec![];
    for stream in streams {
        let loaded = ledger.load::<S>(&stream).await.unwrap();
        all.extend(held(&keyring, &stream, &of(&loaded.aggregate)));
    }
    all
}

#[tokio::test]
async fn the_tables_of_claims_and_marks_are_what_the_events_say() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    lives(&shop, &server).await;
    let stored: Vec<(String, String, Vec<u8>, String)> = sqlx::query_as(
        "select 'claim', kind, key, holder from claims where store = 'main' \
         union all select 'mark', kind, key, holder from marks where store = 'main'",
    )
    .fetch_all(&shop.database.pool)
    .await
    .unwrap();
    let stored: BTreeSet<_> = stored.into_iter().collect();
    let mut rebuilt_all = rebuilt::<Customer>(&shop, of_customer).await;
    rebuilt_all.extend(rebuilt::<CustomerGroup>(&shop, of_group).await);
    let rebuilt: BTreeSet<_> = rebuilt_all
        .into_iter()
        .map(|(what, kind, key, holder)| (what.to_owned(), kind, key, holder))
        .collect();
    let missing: Vec<_> = rebuilt.difference(&stored).collect();
    let stale: Vec<_> = stored.difference(&rebuilt).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "missing {missing:?}, stale {stale:?}"
    );
    let kinds: BTreeSet<_> = stored.iter().map(|(_, kind, ..)| kind.as_str()).collect();
    let all = [
        "email",
        "email_account",
        "email_guest",
        "group_name",
        "medusa_id",
        "phone",
        "shopline_id",
    ];
    assert_eq!(kinds, BTreeSet::from(all));
}

/// How many rows of claims and marks the transaction has read so far.
async fn rows_read(transaction: &mut PgConnection) -> i64 {
    sqlx::query_scalar(
        "select sum(seq_tup_read + idx_tup_fetch)::bigint from pg_stat_xact_user_tables \
         where relname in ('claims', 'marks')",
    )
    .fetch_one(transaction)
    .await
    .unwrap()
}

/// A plan that reads a whole table is right while it is small, and stays while it grows.
#[tokio::test]
async fn an_append_reads_no_more_claims_than_it_names_however_many_there_are() {
    let shop = Shop::open().await;
    let mut owner = shop.database.owner().await;
    let mut transaction = owner.begin().await.unwrap();
    let change = |number: u8| Append {
        claims: [true, false]
            .map(|take| ClaimChange {
                kind: "email_guest",
                key: vec![number, u8::from(take)],
                stream: "a".into(),
                take,
            })
            .into(),
        marks: [true, false]
            .map(|take| MarkChange {
                kind: "email",
                key: vec![number, u8::from(take)],
                stream: "a".into(),
                take,
                sole: true,
            })
            .into(),
        ..Append::default()
    };
    let [first, second] = [0..10, 10..20].map(|numbers| numbers.map(change).collect::<Vec<_>>());
    append(&mut transaction, &"main".into(), None, &first)
        .await
        .unwrap();
    for table in ["claims", "marks"] {
        sqlx::query(&format!(
            "insert into {table} select 'main', 'email', int4send(n), 'b' \
             from generate_series(1, 20000) as n"
        ))
        .execute(&mut *transaction)
        .await
        .unwrap();
    }
    let before = rows_read(&mut transaction).await;
    append(&mut transaction, &"main".into(), None, &second)
        .await
        .unwrap();
    let read = rows_read(&mut transaction).await - before;
    assert!(read < 200, "{read} rows were read");
}
