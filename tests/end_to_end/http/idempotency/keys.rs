//! What makes a key: its text, the route and the actor; and what a key is not for.

use customer_ledger::auth::people::{Person, add_person};
use devkit::http::Answer;
use hyper::Method;
use serde_json::{Value, json};

use super::{Asked, assert_same, post, put, update};
use crate::support::shop::{Server, Shop};

const REUSED: &str = "Idempotency-Key was already used for another request";

#[track_caller]
fn assert_reused(answer: &Answer) {
    let body = answer.json();
    let text = body.get("errors").or_else(|| body.get("message"));
    assert_eq!((answer.status, text), (422, Some(&Value::from(REUSED))));
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let (known, other) = (
        server.guest("g@example.com").await,
        server.guest("o@example.com").await,
    );
    for asked in [
        update(&known, json!({ "first_name": "F" })),
        put(&known, &json!({ "note": "n" })),
    ] {
        let first = asked.send(&server, "key").await;
        first.ok();
        let head = shop.head().await;
        let path = asked.path.replace(&known.medusa, &other.medusa);
        let path = path.replace(&known.shopline, &other.shopline);
        let another_customer = Asked {
            path,
            ..asked.clone()
        };
        let another_body = Asked {
            body: json!({ "customer": {} }),
            ..asked.clone()
        };
        assert_reused(&another_customer.send(&server, "key").await);
        if asked.method == Method::PUT {
            assert_reused(&another_body.send(&server, "key").await);
        } else {
            let path = asked.path.replace("groups,", "");
            assert_reused(
                &Asked {
                    path,
                    ..asked.clone()
                }
                .send(&server, "key")
                .await,
            );
            let body = json!({ "first_name": "G" });
            assert_reused(
                &Asked {
                    body,
                    ..asked.clone()
                }
                .send(&server, "key")
                .await,
            );
        }
        assert_eq!(shop.head().await, head);
        assert_same(&asked.send(&server, "key").await, &first);
    }
}

#[tokio::test]
async fn the_same_key_on_another_route_is_another_key() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    for asked in super::all(&known) {
        let head = shop.head().await;
        asked.send(&server, "key").await.ok();
        assert!(shop.head().await > head, "{}", asked.path);
    }
}

#[tokio::test]
async fn the_same_key_of_another_actor_is_another_key() {
    let shop = Shop::open().await;
    let owner = sqlx::PgPool::connect(&shop.database.owner_url)
        .await
        .unwrap();
    let colleague = Person {
        email: "colleague@example.com",
        first_name: "Col",
        last_name: "League",
        role: "member",
        password: "secret",
        api_token: "another-token",
    };
    add_person(
        &owner,
        &crate::support::shop::keyring(),
        &"main".into(),
        &colleague,
    )
    .await
    .unwrap();
    owner.close().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    server
        .update(&known.medusa, &json!({ "first_name": "F" }))
        .await
        .ok();
    let mine = update(&known, json!({ "first_name": "F" }));
    mine.send(&server, "key").await.ok();
    server
        .update(&known.medusa, &json!({ "first_name": "G" }))
        .await
        .ok();
    let head = shop.head().await;
    let theirs = devkit::http::Call::new(Method::POST, &server.base, &mine.path)
        .header("x-medusa-access-token", "another-token")
        .header("Idempotency-Key", "key");
    let answer = theirs.json(&mine.body).send().await.ok();
    assert_eq!(answer["customer"]["first_name"], "F");
    assert_eq!(shop.head().await, head + 1);
}

#[tokio::test]
async fn a_refusal_is_not_remembered() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let holder = server
        .app_customer(&json!({ "email": "wanted@example.com" }))
        .await;
    let known = server.guest("g@example.com").await;
    let email = json!({ "email": "wanted@example.com" });
    let asked = [update(&known, email.clone()), put(&known, &email)];
    for asked in &asked {
        assert_eq!(asked.send(&server, "key").await.status, 422);
        assert_eq!(asked.send(&server, "key").await.status, 422);
    }
    server
        .put(&holder.shopline, &json!({ "email": "other@example.com" }))
        .await
        .ok();
    for asked in &asked {
        asked.send(&server, "key").await.ok();
        server
            .update(&known.medusa, &json!({ "email": "g@example.com" }))
            .await
            .ok();
    }
    // Nor one that never got as far as the store.
    let bad = post("/admin/customers", json!({ "email": "no" }));
    assert_eq!(bad.send(&server, "another").await.status, 400);
    let good =
        json!({ "email": "yes@example.com", "first_name": "Y", "last_name": "Y", "password": "" });
    assert_eq!(
        post("/admin/customers", good)
            .send(&server, "another")
            .await
            .status,
        201
    );
}

async fn twice(server: &Server, shop: &Shop, asked: &Asked, key: &str) -> i64 {
    let head = shop.head().await;
    for first_name in ["A", "B"] {
        let known = asked.clone();
        known.send(server, key).await.ok();
        let path = asked
            .path
            .split('?')
            .next()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned();
        server
            .update(&path, &json!({ "first_name": first_name }))
            .await
            .ok();
    }
    shop.head().await - head - 2
}

#[tokio::test]
async fn an_empty_key_is_none() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let asked = update(&known, json!({ "first_name": "C" }));
    assert_eq!(twice(&server, &shop, &asked, "").await, 2);
    assert_eq!(twice(&server, &shop, &asked, "key").await, 1);
}

#[tokio::test]
async fn old_keys_are_forgotten_a_piece_at_a_time_and_young_ones_stay() {
    let shop = Shop::open().await;
    let mut owner = shop.database.owner().await;
    for sql in [
        "insert into idempotency_keys \
         select 'main', 'app:a', 'route', n::text::bytea, '', '', 1, 1, 200, \
            now() - case when n <= 12000 then interval '8 days' else interval '6 days' end \
         from generate_series(1, 12010) n",
        "create function is_piece() returns trigger language plpgsql as $$ begin \
            if (select count(*) from gone) > 5000 then raise 'too many at once'; end if; \
            return null; end $$",
        "create trigger is_piece after delete on idempotency_keys \
         referencing old table as gone for each statement execute function is_piece()",
    ] {
        sqlx::query(sql).execute(&mut owner).await.unwrap();
    }
    shop.ledger().forget_requests().await.unwrap();
    let left: i64 = sqlx::query_scalar("select count(*) from idempotency_keys")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!(left, 10);
}

#[tokio::test]
async fn keys_are_told_apart_and_stored_as_hashes() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let asked = update(&known, json!({ "first_name": "F" }));
    for key in ["readable-key", "Readable-Key", "ключ"] {
        asked.send(&server, key).await.ok();
    }
    let stored: Vec<String> = sqlx::query_scalar("select k::text from idempotency_keys k")
        .fetch_all(&shop.database.pool)
        .await
        .unwrap();
    assert_eq!(stored.len(), 3);
    let events: Vec<String> = sqlx::query_scalar("select metadata::text from events")
        .fetch_all(&shop.database.pool)
        .await
        .unwrap();
    let all = [stored, events].concat().join("\n").to_lowercase();
    assert!(!all.contains("readable") && !all.contains("ключ"));
}
