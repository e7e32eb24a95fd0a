//! Many customers join or leave a group at once: all or none, at any process, and nothing is lost.

use customer_ledger::domain::customer::Command;
use devkit::http::{Answer, Call};
use futures_util::future::join_all;
use hyper::Method;
use serde_json::{Value, json};

use super::processes::{assert_gapless, two};
use crate::support::shop::{Server, Shop};

/// Requests that are sent at once.
const WRITERS: usize = 8;

async fn guests(server: &Server, count: usize) -> Vec<String> {
    let guests = (0..count).map(async |n| {
        let guest = server.create_guest(&format!("guest{n}@example.com")).await;
        guest["id"].as_str().unwrap().to_owned()
    });
    join_all(guests).await
}

fn texts(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}

fn group_call(server: &Server, method: Method, id: &str) -> Call {
    server.medusa(method, &format!("/admin/customer-groups/{id}"))
}

#[track_caller]
fn assert_missing(answer: &Answer, ids: &str) {
    let message = format!(
        "The following customer ids do not exist: {}",
        Value::from(ids)
    );
    let expected = json!({ "type": "not_found", "message": message });
    assert_eq!((answer.status, answer.json()), (404, expected));
}

#[tokio::test]
async fn a_batch_that_names_somebody_unknown_changes_nobody() {
    let shop = Shop::open().await;
    let servers = two(&shop).await;
    let group = servers[0].group("all or none").await;
    let guests = guests(&servers[0], 3).await;
    // One is deleted at another process than that which has it in its cache.
    let deleted = servers[0].guest("deleted@example.com").await;
    shop.execute(&deleted.stream, Command::Delete).await;
    let head = shop.head().await;
    let stream = guests[1].trim_start_matches("cus_");
    let unborn = "cus_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let lower = guests[2].to_lowercase();
    let asked = [
        "no such",
        &guests[0],
        &deleted.medusa,
        stream,
        unborn,
        &guests[1],
        "no such",
        &lower,
        "\"\\ü\n",
        "",
    ];
    let missing = [
        "no such",
        &deleted.medusa,
        stream,
        unborn,
        "no such",
        &lower,
        "\"\\ü\n",
        "",
    ];
    for server in &servers {
        let answer = server.batch(Method::POST, &group, &asked).send().await;
        assert_missing(&answer, &missing.join(", "));
        assert_eq!(shop.head().await, head);
    }
    // Leaving is no mistake for who is not there.
    servers[1]
        .batch(Method::DELETE, &group, &asked)
        .send()
        .await
        .ok();
    assert_eq!(shop.head().await, head);
    // Each once, however often it is named; and who is a member joins for nothing.
    for events in [2, 0] {
        let head = shop.head().await;
        let asked = [&*guests[0], &guests[1], &guests[0]];
        servers[1]
            .batch(Method::POST, &group, &asked)
            .send()
            .await
            .ok();
        assert_eq!(shop.head().await, head + events);
    }
}

#[tokio::test]
async fn an_unknown_group_comes_before_unknown_customers_unless_nobody_joins() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let gone = server.group("gone").await;
    group_call(&server, Method::DELETE, &gone).send().await.ok();
    let head = shop.head().await;
    for group in [&gone, "no%20such", "cgrp_01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
        let shown = group.replace("%20", " ");
        let message = format!("CustomerGroup with id {shown} was not found");
        let expected = json!({ "type": "not_found", "message": message });
        for (method, asked) in [
            (Method::POST, &["no such"][..]),
            (Method::DELETE, &["no such"]),
            (Method::DELETE, &[]),
        ] {
            let answer = server.batch(method, group, asked).send().await;
            assert_eq!((answer.status, answer.json()), (404, expected.clone()));
        }
        let answer = server.batch(Method::POST, group, &[]).send().await;
        assert_eq!(
            (answer.status, &*answer.body),
            (200, r#"{"customer_group":null}"#)
        );
    }
    assert_eq!(shop.head().await, head);
}

#[tokio::test]
async fn batches_over_the_same_customers_at_two_processes_lose_nobody() {
    let shop = Shop::open().await;
    let servers = two(&shop).await;
    let guests = guests(&servers[0], 24).await;
    let old = servers[0].group("old").await;
    servers[0]
        .batch(Method::POST, &old, &texts(&guests))
        .send()
        .await
        .ok();
    let mut groups = vec![];
    for n in 0..WRITERS {
        groups.push(servers[0].group(&format!("group {n}")).await);
    }
    // The n-th group gets the customers from the 2n-th on, half of them from the other end; at the
    // same time all leave the old one.
    let joins = groups.iter().enumerate().map(async |(n, group)| {
        let mut asked = texts(&guests[2 * n..]);
        if n % 2 == 1 {
            asked.reverse();
        }
        let server = &servers[n / 2 % 2];
        server.batch(Method::POST, group, &asked).send().await.ok();
    });
    let asked = texts(&guests);
    let leave = servers[1].batch(Method::DELETE, &old, &asked).send();
    let (_, left) = tokio::join!(join_all(joins), leave);
    left.ok();
    for (n, guest) in guests.iter().enumerate() {
        let expected = &groups[..=(n / 2).min(WRITERS - 1)];
        for server in &servers {
            assert_eq!(server.groups_of(guest).await, expected, "{n}");
        }
    }
    assert_gapless(&shop).await;
}

#[tokio::test]
async fn batches_and_updates_of_the_same_customers_lose_nothing_of_each_other() {
    let shop = Shop::open().await;
    let servers = two(&shop).await;
    let guests = guests(&servers[0], 6).await;
    let group = servers[0].group("raced").await;
    let other = servers[0].group("other").await;
    let asked = texts(&guests);
    servers[1]
        .batch(Method::POST, &other, &asked)
        .send()
        .await
        .ok();
    let updates = (0..WRITERS * guests.len()).map(async |n| {
        let (guest, key) = (&guests[n % guests.len()], n / guests.len());
        let body = json!({ "metadata": { format!("key{key}"): key } });
        servers[key % 2].update(guest, &body).await.ok();
    });
    let batches = (0..4).map(async |n| {
        let (method, group) = if n < 2 {
            (Method::POST, &group)
        } else {
            (Method::DELETE, &other)
        };
        servers[n % 2]
            .batch(method, group, &asked)
            .send()
            .await
            .ok();
    });
    tokio::join!(join_all(updates), join_all(batches));
    for guest in &guests {
        let shown = servers[1].get_medusa(guest).await.ok();
        let metadata = shown["customer"]["metadata"].as_object().unwrap();
        assert_eq!(metadata.len(), WRITERS);
        assert_eq!(
            servers[0].groups_of(guest).await,
            std::slice::from_ref(&group)
        );
    }
    assert_gapless(&shop).await;
}

#[tokio::test]
async fn nobody_joins_a_group_after_it_was_deleted() {
    let shop = Shop::open().await;
    let servers = two(&shop).await;
    let guests = guests(&servers[0], 5).await;
    for round in 0..6 {
        let group = servers[round % 2].group("deleted meanwhile").await;
        let single = json!({ "groups": [{ "id": group }] });
        let asked = texts(&guests[1..]);
        let (batch, update, deleted) = tokio::join!(
            servers[0].batch(Method::POST, &group, &asked).send(),
            servers[1].update(&guests[0], &single),
            group_call(&servers[1], Method::DELETE, &group).send(),
        );
        deleted.ok();
        assert!([200, 404].contains(&batch.status), "{}", batch.body);
        assert!([200, 404].contains(&update.status), "{}", update.body);
        let late: i64 = sqlx::query_scalar(
            "select count(*) from events joined join events deleted \
                on deleted.event_type = 'GroupDeleted' and deleted.aggregate_id = $1 \
             where joined.event_type = 'GroupsAssigned' and joined.position > deleted.position \
                and joined.payload::text like '%' || $1 || '%'",
        )
        .bind(group.trim_start_matches("cgrp_"))
        .fetch_one(&shop.database.pool)
        .await
        .unwrap();
        assert_eq!(late, 0);
        for guest in &guests {
            assert_eq!(servers[0].groups_of(guest).await, [""; 0]);
            servers[0]
                .update(guest, &json!({ "groups": [] }))
                .await
                .ok();
        }
    }
}

#[tokio::test]
async fn a_deleted_group_that_a_customer_was_in_stands_in_no_ones_way() {
    let shop = Shop::open().await;
    let servers = two(&shop).await;
    let known = servers[0].guest("g@example.com").await;
    let mut groups = vec![];
    for name in ["gone", "kept", "new"] {
        groups.push(servers[0].group(name).await);
    }
    let [gone, kept, new] = &groups[..] else {
        unreachable!("there are three");
    };
    let set = async |server: &Server, groups: &[&String]| {
        let groups: Vec<Value> = groups.iter().map(|id| json!({ "id": id })).collect();
        server
            .update(&known.medusa, &json!({ "groups": groups }))
            .await
    };
    set(&servers[0], &[gone, kept]).await.ok();
    group_call(&servers[1], Method::DELETE, gone)
        .send()
        .await
        .ok();
    for server in &servers {
        assert_eq!(
            server.groups_of(&known.medusa).await,
            std::slice::from_ref(kept)
        );
        assert_eq!(set(server, &[kept, gone]).await.status, 404);
    }
    servers[0]
        .batch(Method::POST, new, &[&known.medusa])
        .send()
        .await
        .ok();
    assert_eq!(
        servers[1].groups_of(&known.medusa).await,
        [kept.clone(), new.clone()]
    );
    set(&servers[1], &[kept, new]).await.ok();
    // It was said once; again it is nothing new.
    let head = shop.head().await;
    set(&servers[0], &[kept, new]).await.ok();
    assert_eq!(shop.head().await, head);
    // A group's name is free again, and another group is another group.
    let again = servers[0].group("gone").await;
    assert_eq!(
        servers[1].groups_of(&known.medusa).await,
        [kept.clone(), new.clone()]
    );
    group_call(&servers[0], Method::DELETE, &again)
        .send()
        .await
        .ok();
    set(&servers[0], &[]).await.ok();
    assert_eq!(servers[1].groups_of(&known.medusa).await, [""; 0]);
}

#[tokio::test]
async fn a_stream_is_no_id_of_its_group() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let group = server.group("named by its stream").await;
    let stream = group.trim_start_matches("cgrp_");
    let head = shop.head().await;
    let answer = server
        .update(&known.medusa, &json!({ "groups": [{ "id": stream }] }))
        .await;
    let message = format!("Customer_group with customer_group_id {stream} does not exist.");
    let expected = json!({ "type": "not_found", "message": message });
    assert_eq!((answer.status, answer.json()), (404, expected));
    assert_eq!(
        server
            .batch(Method::POST, stream, &[&known.medusa])
            .send()
            .await
            .status,
        404
    );
    assert_eq!(shop.head().await, head);
}

/// Requests on a group whose first answers are asked for again.
fn repeatable(server: &Server, group: &str, guests: &[&str]) -> Vec<Call> {
    let rename = json!({ "name": "renamed", "metadata": { "a": 1 } });
    vec![
        server.batch(Method::POST, group, guests),
        group_call(server, Method::POST, group).json(&rename),
        server.batch(Method::DELETE, group, &guests[1..]),
        group_call(server, Method::DELETE, group),
    ]
}

#[tokio::test]
async fn a_repeated_request_on_a_group_records_nothing_and_gets_its_first_answer() {
    let shop = Shop::open().await;
    let servers = two(&shop).await;
    let guests = guests(&servers[0], 3).await;
    let group = servers[0].group("first name").await;
    let asked = texts(&guests);
    let key = |call: Call, n: usize| call.header("idempotency-key", &format!("key {n}"));
    let mut firsts = vec![];
    for (n, call) in repeatable(&servers[0], &group, &asked)
        .into_iter()
        .enumerate()
    {
        let first = key(call, n).send().await;
        first.ok();
        firsts.push(first);
    }
    let head = shop.head().await;
    // By now the group is gone; the answers are those of then.
    for server in &servers {
        for (n, call) in repeatable(server, &group, &asked).into_iter().enumerate() {
            let again = key(call, n).send().await;
            assert_eq!((again.status, &again.body), (200, &firsts[n].body));
        }
    }
    let fewer = key(servers[1].batch(Method::POST, &group, &asked[1..]), 0);
    assert_eq!(fewer.send().await.status, 422);
    assert_eq!(shop.head().await, head);
}

#[tokio::test]
async fn of_copies_of_a_batch_that_race_one_is_done_and_all_get_its_answer() {
    let shop = Shop::open().await;
    let servers = two(&shop).await;
    let guests = guests(&servers[0], 4).await;
    let group = servers[0].group("raced").await;
    let asked = texts(&guests);
    for n in 0..4 {
        let head = shop.head().await;
        let copies = (0..WRITERS).map(async |copy| {
            let call = repeatable(&servers[copy % 2], &group, &asked).remove(n);
            call.header("idempotency-key", &format!("key {n}"))
                .send()
                .await
        });
        let answers = join_all(copies).await;
        answers[0].ok();
        for answer in &answers {
            assert_eq!((answer.status, &answer.body), (200, &answers[0].body));
        }
        assert_eq!(shop.head().await, head + [4, 1, 3, 1][n]);
    }
}

#[tokio::test]
async fn of_many_who_rename_a_group_to_one_name_exactly_one_does() {
    let shop = Shop::open().await;
    let servers = two(&shop).await;
    let mut groups = vec![];
    for n in 0..WRITERS {
        groups.push(servers[0].group(&format!("group {n}")).await);
    }
    let renames = groups.iter().enumerate().map(async |(n, group)| {
        let call = group_call(&servers[n % 2], Method::POST, group);
        call.json(&json!({ "name": "wanted (=1)" })).send().await
    });
    let answers = join_all(renames).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a.status == 200);
    assert_eq!((done.len(), refused.len()), (1, WRITERS - 1));
    for answer in refused {
        let expected = json!({ "code": "invalid_request_error", "type": "duplicate_error",
            "message": "Customer_group with name wanted  1 already exists." });
        assert_eq!((answer.status, answer.json()), (422, expected));
    }
}
