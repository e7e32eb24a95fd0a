//! Questions about groups: they have a past, too.

use hyper::Method;
use serde_json::{Value, json};

use super::shows::apply;
use super::{at, open};
use crate::support::shop::{Server, Shop};

/// A group's life. At each position what the contract's GET answered when that was the last one.
async fn live(shop: &Shop, server: &Server) -> (String, Vec<(i64, Option<String>)>) {
    let group = server.group("vip").await;
    let known = server.guest("g@example.com").await;
    let path = format!("/admin/customer-groups/{group}");
    let update = |body: Value| server.medusa(Method::POST, &path).json(&body);
    let mut answers = vec![];
    for call in [
        server.batch(Method::POST, &group, &[&known.medusa]),
        update(json!({ "metadata": { "tier": { "a/b": 1 }, "since": "2020" } })),
        update(json!({ "name": "regulars" })),
        update(json!({ "metadata": { "tier": { "a/b": 2 } } })),
        server.medusa(Method::DELETE, &path),
    ] {
        call.send().await.ok();
        let answer = server.medusa(Method::GET, &path).send().await;
        let document = (answer.status == 200).then_some(answer.body);
        answers.push((shop.head().await, document));
    }
    assert!(answers.last().unwrap().1.is_none());
    (group, answers)
}

#[tokio::test]
async fn a_group_s_past_is_what_was_answered_when_it_was_the_present() {
    let (shop, server) = open().await;
    let (group, answers) = live(&shop, &server).await;
    for (position, document) in &answers {
        let question = format!("?shape=medusa&as_of={position}");
        let shown = server.ask(&group, &question).await;
        match document {
            Some(document) => assert_eq!((shown.status, &shown.body), (200, document)),
            None => assert!(shown.status == 404 && shown.body.contains("it was deleted at")),
        }
    }
    let (from, to) = (&answers[0], &answers[3]);
    let range = format!("/diff?shape=medusa&from={}&to={}", from.0, to.0);
    let diff = server.ask(&group, &range).await.ok();
    let parsed = |document: &Option<String>| {
        serde_json::from_str::<Value>(document.as_deref().unwrap()).unwrap()
    };
    let mut applied = parsed(&from.1);
    for difference in diff["differences"].as_array().unwrap() {
        apply(&mut applied, difference);
    }
    assert_eq!(applied, parsed(&to.1));
    let blame = format!("/blame?shape=medusa&pointer=/name&as_of={}", to.0);
    let blame = server.ask(&group, &blame).await.ok();
    assert_eq!(at(&blame, "/leaves/0/pointer"), "/customer_group/name");
    assert_eq!(at(&blame, "/leaves/0/by/position"), &json!(answers[2].0));
    // Of no shop is it a customer.
    let ids = server.ask(&group, "").await;
    assert_eq!(ids.status, 404);
    assert!(ids.body.contains("a customer's is needed"), "{}", ids.body);
}

#[tokio::test]
async fn a_group_is_bisected_and_replayed_and_shown_in_one_shape() {
    let (shop, server) = open().await;
    let (group, answers) = live(&shop, &server).await;
    let predicate = "$[?@.name=='regulars']";
    let arguments = ["bisect", &group, predicate, "--every", "--json"];
    let (code, out, err) = shop.run(&arguments, "").await;
    let turns: Value = serde_json::from_str(&out).expect(&err);
    assert_eq!(code, 0);
    let turned = turns["turns"].as_array().unwrap().iter();
    let turned: Vec<_> = turned
        .map(|turn| at(turn, "/by/position").clone())
        .collect();
    assert_eq!(turned, [answers[2].0, answers[4].0]);
    let (code, out, err) = shop.run(&["replay", &group, "--json"], "").await;
    assert_eq!((code, out.lines().count()), (0, 5), "{err}");
    for (arguments, sentence) in [
        (&["show", &group, "--shape", "shopline"][..], "shape medusa"),
        (&["show", &group, "--expand", "customers"], "relation"),
        (&["show", &group, "--expand", "groups"], "shape medusa"),
        (&["show", &group, "--as-of", "0"], "it was not there yet"),
        (&["fixture", &group, "--redact"], "a customer's is needed"),
    ] {
        let (code, _, err) = shop.run(arguments, "").await;
        assert!(code == 2 && err.contains(sentence), "{arguments:?}: {err}");
    }
}

#[tokio::test]
async fn a_group_has_a_log_too_also_when_it_was_deleted() {
    let (shop, server) = open().await;
    let group = server.group("vip").await;
    let known = server.guest("g@example.com").await;
    let members = server.batch(Method::POST, &group, &[&known.medusa]);
    members.send().await.ok();
    let path = format!("/admin/customer-groups/{group}");
    let renamed = server.medusa(Method::POST, &path);
    let renamed = renamed.json(&json!({ "name": "regulars" }));
    renamed.send().await.ok();
    server.medusa(Method::DELETE, &path).send().await.ok();
    let log = server.ask(&group, "/log").await.ok();
    let events = log["events"].as_array().unwrap();
    let told: Vec<_> = events
        .iter()
        .map(|event| (&event["event"], &event["changed"]))
        .collect();
    assert_eq!(told.len(), 3, "{log}");
    assert_eq!(told[1], (&json!("GroupUpdated"), &json!(["group.name"])));
    assert_eq!(told[2], (&json!("GroupDeleted"), &json!(["group"])));
    assert_eq!(log["previous"], json!(null));
    let before = format!("/log?limit=1&before={}", events[2]["position"]);
    let page = server.ask(&group, &before).await.ok();
    assert_eq!(page["events"], json!([events[1]]));
    assert_eq!(page["previous"], events[1]["position"]);
    let (code, out, err) = shop.run(&["log", &group], "").await;
    assert_eq!((code, out.lines().count()), (0, 3), "{err}");
}

#[tokio::test]
async fn why_a_group_was_changed_is_told_whoever_asks_for_it() {
    let (shop, server) = open().await;
    let group = server.group("vip").await;
    let known = server.guest("g@example.com").await;
    let members = server.batch(Method::POST, &group, &[&known.medusa]);
    members.send().await.ok();
    let renamed = server.medusa(Method::POST, &format!("/admin/customer-groups/{group}"));
    let renamed = renamed.json(&json!({ "name": "regulars" }));
    let renamed = renamed.header("ledger-on-behalf-of", "Ann Clerk");
    renamed
        .header("ledger-reason", "ticket 12")
        .send()
        .await
        .ok();
    for id in [&group, &known.medusa] {
        let sealed = server.ask(id, "/log").await;
        assert!(!sealed.body.contains("ticket 12"), "{}", sealed.body);
        let log = server.ask(id, "/log?open=true&limit=1").await.ok();
        let event = &log["events"][0];
        assert_eq!(event["event"], "GroupUpdated");
        assert_eq!(
            (&event["on_behalf_of"], &event["reason"]),
            (&json!("Ann Clerk"), &json!("ticket 12"))
        );
    }
    let blame = server
        .ask(&known.medusa, "/blame?shape=medusa&pointer=/groups/0/name")
        .await
        .ok();
    assert_eq!(at(&blame, "/leaves/0/by/reason"), "ticket 12");
    // The words of a group's log were opened, too.
    let (code, out, err) = shop.run(&["access-log", &group, "--json"], "").await;
    assert_eq!((code, out.lines().count()), (0, 1), "{out} {err}");
}
