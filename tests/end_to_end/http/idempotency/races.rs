//! Copies of one request at the same time, at two processes.

use futures_util::future::join_all;
use serde_json::json;

use super::{all, assert_same, put, update};
use crate::support::shop::Shop;

/// Copies of a request that race.
const COPIES: usize = 8;

#[tokio::test]
async fn of_copies_that_race_one_is_done_and_all_get_its_answer() {
    let shop = Shop::open().await;
    let servers = [shop.serve("api").await, shop.serve("api").await];
    let known = servers[0].guest("g@example.com").await;
    let group = servers[0].group("wholesale").await;
    let mut asked = all(&known);
    asked.push(update(
        &known,
        json!({ "groups": [{ "id": group }], "phone": "1" }),
    ));
    asked.push(put(
        &known,
        &json!({ "tags": "raced", "email": "raced@example.com" }),
    ));
    // What the first of the copies records.
    let events = [2, 2, 2, 2, 1, 2, 1];
    for (key, (asked, events)) in asked.iter().zip(events).enumerate() {
        let head = shop.head().await;
        let key = format!("key {key}");
        let copies = (0..COPIES).map(|copy| asked.send(&servers[copy % 2], &key));
        let answers = join_all(copies).await;
        answers[0].ok();
        for answer in &answers {
            assert_same(answer, &answers[0]);
        }
        assert_eq!(shop.head().await, head + events, "{}", asked.body);
    }
}

#[tokio::test]
async fn copies_that_race_for_nothing_get_one_answer() {
    let shop = Shop::open().await;
    let servers = [shop.serve("api").await, shop.serve("api").await];
    let known = servers[0].guest("g@example.com").await;
    let head = shop.head().await;
    let asked = put(&known, &json!({ "first_name": "Gustavius" }));
    let copies = (0..COPIES).map(|copy| asked.send(&servers[copy % 2], "key"));
    let answers = join_all(copies).await;
    for answer in &answers {
        assert_same(answer, &answers[0]);
    }
    assert_eq!((answers[0].status, shop.head().await), (200, head));
}

#[tokio::test]
async fn of_different_requests_that_race_under_one_key_one_is_done() {
    let shop = Shop::open().await;
    let servers = [shop.serve("api").await, shop.serve("api").await];
    let known = servers[0].guest("g@example.com").await;
    let head = shop.head().await;
    let asked: Vec<_> = (0..COPIES)
        .map(|n| put(&known, &json!({ "note": n.to_string() })))
        .collect();
    let sent = asked
        .iter()
        .enumerate()
        .map(|(n, asked)| asked.send(&servers[n % 2], "key"));
    let mut statuses: Vec<_> = join_all(sent)
        .await
        .iter()
        .map(|answer| answer.status)
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422, 422, 422, 422, 422, 422, 422]);
    assert_eq!(shop.head().await, head + 1);
}
