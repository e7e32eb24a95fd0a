//! What one process has cached, another changes: it decides anew, and never on the old state.

use customer_ledger::domain::customer::{Command, Customer};
use devkit::wait;
use events::ids::{Sequence, StreamId};
use serde_json::{Value, json};

use crate::support::customer::Known;
use crate::support::ledger::TestLedger;
use crate::support::shop::{Server, Shop};

/// A customer that the first process has in its cache.
async fn cached(shop: &Shop) -> ([Server; 2], Known) {
    let servers = [shop.serve("api").await, shop.serve("api").await];
    let known = servers[0].guest("g@example.com").await;
    servers[0]
        .update(&known.medusa, &json!({ "first_name": "Cached" }))
        .await
        .ok();
    (servers, known)
}

#[tokio::test]
async fn nothing_to_do_by_a_stale_cache_is_decided_anew() {
    let shop = Shop::open().await;
    let (servers, known) = cached(&shop).await;
    let cached = json!({ "first_name": "Cached" });
    for through_medusa in [true, false] {
        servers[1]
            .update(&known.medusa, &json!({ "first_name": "Other" }))
            .await
            .ok();
        let head = shop.head().await;
        let answer = if through_medusa {
            servers[0].update(&known.medusa, &cached).await.ok()
        } else {
            servers[0].put(&known.shopline, &cached).await.ok()
        };
        assert_eq!(answer["customer"]["first_name"], "Cached");
        assert_eq!(shop.head().await, head + 1, "it was a change after all");
    }
}

#[tokio::test]
async fn a_write_on_a_stale_cache_keeps_what_the_other_process_wrote() {
    let shop = Shop::open().await;
    let (servers, known) = cached(&shop).await;
    servers[1]
        .put(&known.shopline, &json!({ "note": "theirs", "phone": "1" }))
        .await
        .ok();
    let answer = servers[0]
        .update(&known.medusa, &json!({ "last_name": "Mine" }))
        .await
        .ok();
    assert_eq!(answer["customer"]["phone"], "1");
    assert_eq!(answer["customer"]["last_name"], "Mine");
    assert_eq!(servers[1].in_shopline(&known).await["note"], "theirs");
}

#[tokio::test]
async fn a_refusal_by_a_stale_cache_is_decided_anew() {
    let shop = Shop::open().await;
    let servers = [shop.serve("api").await, shop.serve("api").await];
    let known = servers[0]
        .app_customer(&json!({ "phone": "0015550001" }))
        .await;
    let subscribe = json!({ "accepts_marketing": true });
    assert_eq!(
        servers[0].put(&known.shopline, &subscribe).await.status,
        422
    );
    servers[1]
        .update(&known.medusa, &json!({ "email": "now@example.com" }))
        .await
        .ok();
    servers[0].put(&known.shopline, &subscribe).await.ok();
    assert_eq!(
        servers[1].in_shopline(&known).await["accepts_marketing"],
        true
    );
}

#[tokio::test]
async fn a_customer_deleted_elsewhere_is_not_found_whatever_is_cached() {
    let shop = Shop::open().await;
    let (servers, known) = cached(&shop).await;
    servers[1].in_medusa(&known).await;
    shop.execute(&known.stream, Command::Delete).await;
    let head = shop.head().await;
    for server in &servers {
        for body in [
            json!({ "first_name": "Cached" }),
            json!({ "first_name": "New" }),
        ] {
            assert_eq!(server.update(&known.medusa, &body).await.status, 404);
            assert_eq!(server.put(&known.shopline, &body).await.status, 406);
        }
        assert_eq!(server.get_medusa(&known.medusa).await.status, 404);
    }
    assert_eq!(shop.head().await, head);
}

#[tokio::test]
async fn an_email_given_up_elsewhere_is_free_and_one_taken_elsewhere_is_not() {
    let shop = Shop::open().await;
    let (servers, known) = cached(&shop).await;
    let other = servers[1].guest("o@example.com").await;
    let wanted = json!({ "email": "o@example.com" });
    assert_eq!(servers[0].update(&known.medusa, &wanted).await.status, 422);
    servers[1]
        .update(&other.medusa, &json!({ "email": "moved@example.com" }))
        .await
        .ok();
    servers[0].update(&known.medusa, &wanted).await.ok();
    let back = servers[1].update(&other.medusa, &wanted).await;
    assert_eq!(back.status, 422, "{}", back.body);
}

#[tokio::test]
async fn a_group_deleted_meanwhile_is_unknown_and_nothing_of_the_request_is_applied() {
    let shop = Shop::open().await;
    let (servers, known) = cached(&shop).await;
    let (kept, gone) = (
        servers[0].group("kept").await,
        servers[0].group("gone").await,
    );
    let both = json!({ "groups": [{ "id": gone }, { "id": kept }] });
    servers[0].update(&known.medusa, &both).await.ok();
    shop.delete_group(&gone).await;
    let head = shop.head().await;
    let update = json!({ "first_name": "Unapplied", "groups": [{ "id": kept }, { "id": gone }] });
    for server in &servers {
        let answer = server.update(&known.medusa, &update).await;
        let message = format!("Customer_group with customer_group_id {gone} does not exist.");
        let expected = (404, json!({ "type": "not_found", "message": message }));
        assert_eq!((answer.status, answer.json()), expected);
    }
    assert_eq!(shop.head().await, head);
    // The deleted group is no longer shown, and its name is free.
    let shown = servers[1].in_medusa(&known).await;
    let ids: Vec<&Value> = shown["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| &g["id"])
        .collect();
    assert_eq!(ids, [&json!(kept)]);
    assert_eq!(shown["first_name"], "Cached");
    servers[1].group("gone").await;
}

#[tokio::test]
async fn what_others_append_between_own_appends_is_remembered_before_it_is_asked_for() {
    let mine = TestLedger::open().await;
    let theirs = mine.reopened();
    let [renamed, erased] = [mine.create("Ada").await, mine.create("Eve").await];
    theirs.rename(&renamed, "Grace").await;
    theirs.rename(&renamed, "Hopper").await;
    theirs.execute(&erased, Command::Delete).await;
    theirs.execute(&erased, Command::Erase).await;
    // Remembered as they were: nothing of this process's own came after it.
    let load = async |stream: &StreamId| mine.ledger.load::<Customer>(stream).await.unwrap();
    assert_eq!(load(&renamed).await.sequence, Sequence::FIRST);
    mine.create("Somebody else").await;
    wait::until("the customers are remembered as they are", async || {
        let (renamed, erased) = (load(&renamed).await, load(&erased).await);
        (renamed.sequence == Sequence::new(3) && erased.is_erased()).then_some(())
    })
    .await;
    let name = load(&renamed).await.views.medusa.profile.first_name.clone();
    assert_eq!(name.as_deref(), Some("Hopper"));
}
