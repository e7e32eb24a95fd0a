//! `ledger explain` and `GET /ledger/requests/{id}`: what became of a request.

use std::time::Duration;

use devkit::http::{Answer, Call};
use devkit::wait;
use hyper::Method;
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use serde_json::{Value, json};

use crate::support::kafka;
use crate::support::shop::{LEDGER_TOKEN, Server, Shop};

async fn ask(server: &Server, id: &str) -> Answer {
    Call::new(Method::GET, &server.base, &format!("/ledger/requests/{id}"))
        .header("authorization", &format!("Bearer {LEDGER_TOKEN}"))
        .send()
        .await
}

/// Asks until every event of the request is in the topic and in the views.
async fn explained(server: &Server, id: &str) -> Value {
    wait::until("the topic and the views hold it", async || {
        let explained = ask(server, id).await.ok();
        let held = |event: &Value| {
            let views = event["views"].as_array().unwrap();
            let is_sent = event["topic"]["state"] == "sent";
            is_sent && views.iter().all(|view| view["holds"] == true)
        };
        let events = explained["commands"][0]["events"].as_array().unwrap();
        events.iter().all(held).then(|| explained.clone())
    })
    .await
}

#[tokio::test]
async fn a_request_is_followed_to_its_offset_and_its_rows() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    // Others stand before, between and behind.
    for n in 0..30 {
        server.create_guest(&format!("before{n}@example.com")).await;
    }
    let known = server.guest("g@example.com").await;
    let update = json!({ "note": "n", "first_name": "Gus",
        "addresses": [{ "address1": "Main 1" }] });
    let answer = server.put(&known.shopline, &update).await;
    answer.ok();
    let id = answer.header("traceid").to_owned();
    assert_eq!(answer.header("ledger-request-id"), id);
    server.create_guest("behind@example.com").await;

    let explained = explained(&server, &id).await;
    assert_eq!(explained["request"], id.as_str());
    let command = &explained["commands"][0];
    assert_eq!(command["contract"], "shopline");
    assert_eq!(command["actor"], json!({ "kind": "app", "id": "app" }));
    assert!(command["route"].as_str().unwrap().starts_with("PUT "));
    let events = command["events"].as_array().unwrap();
    assert!(events.len() > 1, "{explained}");

    // What it says of Kafka is what stands there.
    let messages = kafka::read_topic(&shop.kafka, &shop.topic().await).await;
    for event in events {
        let place = &event["topic"];
        assert_eq!(place["state"], "sent");
        let message = messages
            .iter()
            .find(|message| Some(kafka::position(message)) == event["position"].as_i64())
            .unwrap();
        assert_eq!(place["partition"], message.partition);
        assert_eq!(place["offset"], message.offset);
        assert_eq!(event["stream"], known.stream.as_str());
        let tables: Vec<_> = event["views"].as_array().unwrap().iter().collect();
        assert_eq!(tables.len(), 2, "{event}");
    }

    // The command line says the same.
    let (code, out, err) = shop.run(&["explain", &id, "--json"], "").await;
    assert_eq!((code, err.as_str()), (0, ""));
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["commands"], explained["commands"]);
    let (code, out, _) = shop.run(&["explain", &id.to_uppercase()], "").await;
    assert_eq!(code, 0);
    let offset = format!("offset {}", events[0]["topic"]["offset"]);
    for told in [
        id.as_str(),
        "shopline PUT",
        &offset,
        "medusa_customers holds it",
    ] {
        assert!(out.contains(told), "{told}: {out}");
    }
    assert!(
        !out.contains("Gus") && !out.contains("example.com"),
        "{out}"
    );
}

#[tokio::test]
async fn a_refusal_is_explained_by_its_fields_and_never_by_their_values() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let note = json!({ "first_name": "x".repeat(200) });
    let answer = server.put(&known.shopline, &note).await;
    assert_eq!(answer.status, 422, "{}", answer.body);
    let id = answer.header("ledger-request-id").to_owned();
    // It is written off the request's path.
    let explained = wait::until("the refusal is kept", async || {
        let answer = ask(&server, &id).await;
        (answer.status == 200).then(|| answer.json())
    })
    .await;
    let refusal = &explained["refusals"][0];
    assert_eq!(refusal["status"], 422);
    assert_eq!(refusal["fields"], json!(["first_name"]));
    assert_eq!(explained["commands"], json!([]));
    let (code, out, _) = shop.run(&["explain", &id], "").await;
    assert_eq!(code, 0);
    assert!(
        out.contains("(first_name)") && !out.contains("xxx"),
        "{out}"
    );
}

/// Creates a guest; the request's id.
async fn create(server: &Server) -> String {
    let guest = json!({ "email": "g@example.com", "first_name": "G", "last_name": "G",
        "password": "" });
    let request = server.medusa(Method::POST, "/admin/customers").json(&guest);
    let answer = request.send().await;
    answer.header("ledger-request-id").to_owned()
}

/// What is told of the topic about the request's only event.
async fn topic(server: &Server, id: &str) -> Value {
    let explained = ask(server, id).await.ok();
    explained["commands"][0]["events"][0]["topic"].clone()
}

#[tokio::test]
async fn without_kafka_all_else_is_told() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let id = create(&server).await;
    assert_eq!(topic(&server, &id).await, json!({ "state": "waiting" }));
    // As if it had been sent to a broker that is away now.
    sqlx::query("insert into sent_positions values ($1, 0, 1)")
        .bind(shop.topic().await)
        .execute(&mut shop.database.owner().await)
        .await
        .unwrap();
    let settings = [("KAFKA_BROKERS", "127.0.0.1:1")];
    let output = shop
        .command(&["explain", &id], &settings)
        .output()
        .await
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(out.contains("Kafka did not answer"), "{out}");
    assert!(out.contains("medusa_customers has no row yet"), "{out}");
}

#[tokio::test]
async fn what_an_open_transaction_may_still_bring_is_not_called_missing() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let id = create(&server).await;
    let name = shop.topic().await;
    let new = NewTopic::new(&name, 1, TopicReplication::Fixed(1));
    let made = kafka::admin(&shop.kafka)
        .create_topics([&new], &AdminOptions::new())
        .await
        .unwrap();
    assert!(made[0].is_ok(), "{made:?}");
    sqlx::query("insert into sent_positions values ($1, 0, 1)")
        .bind(&name)
        .execute(&mut shop.database.owner().await)
        .await
        .unwrap();
    let missing = json!({ "state": "missing" });
    wait::until("nothing is in the topic", async || {
        (topic(&server, &id).await == missing).then_some(())
    })
    .await;
    let producer: BaseProducer = kafka::client(&shop.kafka)
        .set("transactional.id", &name)
        .create()
        .unwrap();
    let patience = Duration::from_secs(20);
    producer.init_transactions(patience).unwrap();
    producer.begin_transaction().unwrap();
    let record = BaseRecord::to(&name).key("k").payload("v");
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(patience).unwrap();
    let topic_then = topic(&server, &id).await;
    assert_eq!(topic_then["state"], "unknown", "{topic_then}");
    assert_eq!(topic_then["why"], "a transaction is open in its partition");
    producer.abort_transaction(patience).unwrap();
    wait::until("nothing is open in the topic", async || {
        (topic(&server, &id).await == missing).then_some(())
    })
    .await;
}

#[tokio::test]
async fn of_an_id_that_thousands_share_the_first_are_told() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    sqlx::query(
        "insert into refusals \
            (store, request_id, actor_kind, actor_id, contract, route, status, kind, fields) \
         select 'main', $1, 'app', 'app', 'shopline', 'PUT', 422, 'required', array[n::text] \
         from generate_series(1, 1001) n",
    )
    .bind(id)
    .execute(&mut shop.database.owner().await)
    .await
    .unwrap();
    let explained = ask(&server, id).await.ok();
    let refusals = explained["refusals"].as_array().unwrap();
    assert_eq!(refusals.len(), 1000);
    assert_eq!(refusals[0]["fields"], json!(["1"]));
    assert_eq!(explained["is_cut"], true);
    let (code, out, _) = shop.run(&["explain", id], "").await;
    assert_eq!(code, 0);
    assert!(
        out.contains("more events or refusals have this id"),
        "{out}"
    );
}

#[tokio::test]
async fn an_id_that_explains_nothing_is_answered_in_a_sentence() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    for (id, status, said) in [
        ("cus_1", 400, "32 hexadecimal digits"),
        (
            "4bf92f3577b34da6a3ce929d0e0e4736",
            404,
            "is kept of this request",
        ),
    ] {
        let answer = ask(&server, id).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert!(answer.json()["title"].as_str().unwrap().contains(said));
        let (code, out, err) = shop.run(&["explain", id], "").await;
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.contains(said) && err.lines().count() == 1, "{err}");
    }
    let call = Call::new(Method::GET, &server.base, "/ledger/requests/x");
    assert_eq!(call.send().await.status, 401);
}
