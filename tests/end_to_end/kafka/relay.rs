//! The relay: every record once, in order, whatever is killed, re-created or restored.

use std::collections::{BTreeMap, HashMap};

use customer_ledger::event_store::reader;
use customer_ledger::kafka::projector::Projection;
use customer_ledger::kafka::relay::Error;
use customer_ledger::kafka::{KafkaConfig, KafkaStatus, topic};
use devkit::kafka::topic::Message;
use devkit::wait;
use events::ids::Position;
use events::record::StoredRecord;
use rdkafka::admin::AdminOptions;
use serde_json::Value;

use crate::support::kafka::{admin, config, position, read};
use crate::support::ledger::TestLedger;

/// Everything in the store is in the topic, once, in the order of each partition.
async fn assert_complete(test: &TestLedger) -> Vec<Message> {
    let messages = read(&test.kafka).await;
    let mut positions: Vec<i64> = messages.iter().map(position).collect();
    positions.sort_unstable();
    let expected: Vec<i64> = (1..=test.head().await).collect();
    assert_eq!(positions, expected);
    let mut last: HashMap<i32, i64> = HashMap::new();
    for message in &messages {
        let position = position(message);
        let previous = last.insert(message.partition, position).unwrap_or(0);
        assert!(previous < position);
        assert_eq!(message.header("ce_ledgerprevious"), previous.to_string());
    }
    messages
}

fn expected_headers(record: &StoredRecord, ledger_id: &str) -> BTreeMap<String, String> {
    let metadata: Value = serde_json::from_str(&record.metadata).unwrap();
    let request_id = metadata["request_id"].as_str().unwrap();
    [
        ("content-type", "application/json".to_owned()),
        ("ce_specversion", "1.0".to_owned()),
        ("ce_id", record.position.to_string()),
        ("ce_source", format!("urn:ledger:{ledger_id}")),
        ("ce_subject", record.stream.to_string()),
        (
            "ce_type",
            events::catalogue::cloud_event_type(&record.event_type)
                .unwrap()
                .to_owned(),
        ),
        ("ce_time", format!("{:.6}", record.time)),
        (
            "ce_dataschema",
            format!(
                "urn:ledger:schema:{}:{}",
                record.event_type, record.event_version
            ),
        ),
        ("ce_partitionkey", record.stream.to_string()),
        ("ce_sequence", record.sequence.to_string()),
        ("ce_ledgerposition", record.position.to_string()),
        ("ce_ledgerstore", "main".to_owned()),
        ("ce_ledgerepoch", "1".to_owned()),
        ("ce_ledgerincarnation", "1".to_owned()),
        ("ce_ledgermetadata", record.metadata.clone()),
        ("traceparent", format!("00-{request_id}")),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_sees_each_record_once_with_every_header() {
    let test = TestLedger::open().await;
    let relay = test.relay();
    let streams = test.create_many(30).await;
    test.create_group("wholesale").await;
    for stream in &streams {
        test.rename(stream, "another").await;
    }
    test.relayed().await;
    let messages = assert_complete(&test).await;
    let ledger_id: String = sqlx::query_scalar("select ledger_id::text from ledger")
        .fetch_one(&test.database.pool)
        .await
        .unwrap();
    let records = reader::after(&test.database.pool, Position::START, 1000)
        .await
        .unwrap();
    assert_eq!(records.len(), 61);
    for message in messages {
        let record = &records[usize::try_from(position(&message) - 1).unwrap()];
        assert_eq!(
            (message.key.as_str(), &message.value),
            (record.stream.as_str(), &record.payload)
        );
        let mut headers: BTreeMap<_, _> = message.headers.into_iter().collect();
        assert!(headers.remove("ce_ledgerprevious").is_some());
        let trace = headers.get_mut("traceparent").unwrap();
        assert!(trace.len() == 55 && trace.ends_with("-01"), "{trace}");
        trace.truncate(35);
        assert_eq!(headers, expected_headers(record, &ledger_id));
        for personal in ["customer ", "another", "Somebody"] {
            assert!(!message.value.contains(personal) && !record.metadata.contains(personal));
        }
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_relays_take_turns_and_one_survives_the_other() {
    let test = TestLedger::open().await;
    let mut first = test.relay_in_batches(7);
    first.is(|status| *status == KafkaStatus::Working).await;
    let mut second = test.relay_in_batches(7);
    second.is(|status| *status == KafkaStatus::Waiting).await;
    test.create_many(100).await;
    first.kill();
    test.create_many(100).await;
    second.is(|status| *status == KafkaStatus::Working).await;
    test.relayed().await;
    assert_complete(&test).await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_killed_again_and_again_sends_nothing_twice() {
    let test = TestLedger::open().await;
    for round in 0..6 {
        let streams = test.create_many(60).await;
        let relay = test.relay_in_batches(5);
        // Somewhere in the middle of its batches.
        wait::until("the relay has sent something", async || {
            let marks: i64 =
                sqlx::query_scalar("select coalesce(max(position), 0) from sent_positions")
                    .fetch_one(&test.database.pool)
                    .await
                    .unwrap();
            (marks > round * 90 + round).then_some(())
        })
        .await;
        for stream in streams.iter().take(30) {
            test.rename(stream, "another").await;
        }
        relay.kill();
    }
    let relay = test.relay();
    test.relayed().await;
    assert_complete(&test).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_that_a_crash_of_postgres_took_back_return_all_together() {
    let test = TestLedger::open().await;
    let relay = test.relay();
    let streams = test.create_many(40).await;
    test.relayed().await;
    let before = marks(&test).await;
    assert!(before.len() > 1);
    let mut owner = test.database.owner().await;
    sqlx::query("delete from sent_positions")
        .execute(&mut owner)
        .await
        .unwrap();
    // Its next batch touches one partition.
    test.rename(&streams[0], "another").await;
    test.relayed().await;
    let partition = |record: &Message| (*record.key == *streams[0]).then_some(record.partition);
    let touched = read(&test.kafka).await.iter().find_map(partition).unwrap();
    let mut expected = before;
    expected.insert(touched, test.head().await);
    assert_eq!(marks(&test).await, expected);
    relay.stop().await;
}

async fn marks(test: &TestLedger) -> BTreeMap<i32, i64> {
    let marks: Vec<(i32, i64)> = sqlx::query_as("select partition, position from sent_positions")
        .fetch_all(&test.database.pool)
        .await
        .unwrap();
    marks.into_iter().collect()
}

/// Deletes the topic and waits until the broker has none.
pub(crate) async fn delete_topic(test: &TestLedger) {
    let name = topic(&test.kafka.prefix, 1);
    let options = AdminOptions::new();
    let results = admin(&test.kafka).delete_topics(&[&name], &options).await;
    results.unwrap().remove(0).unwrap();
    wait::until("the topic is gone", async || {
        let options = AdminOptions::new();
        let again = admin(&test.kafka).delete_topics(&[&name], &options).await;
        again.unwrap().remove(0).err()
    })
    .await;
}

pub(crate) async fn incarnation(test: &TestLedger) -> i64 {
    sqlx::query_scalar("select incarnation from ledger")
        .fetch_one(&test.database.pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_gone_is_filled_again_under_another_incarnation() {
    let test = TestLedger::open().await;
    let relay = test.relay();
    test.create_many(40).await;
    test.relayed().await;
    relay.stop().await;
    delete_topic(&test).await;
    let relay = test.relay();
    wait::until("the incarnation is raised", async || {
        (incarnation(&test).await == 2).then_some(())
    })
    .await;
    test.create_many(10).await;
    test.relayed().await;
    for message in assert_complete(&test).await {
        assert_eq!(message.header("ce_ledgerincarnation"), "2");
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_vanishes_under_a_running_relay_is_filled_again() {
    let test = TestLedger::open().await;
    let relay = test.relay();
    test.create_many(40).await;
    test.relayed().await;
    delete_topic(&test).await;
    wait::until("the incarnation is raised", async || {
        (incarnation(&test).await >= 2).then_some(())
    })
    .await;
    test.create_many(10).await;
    test.relayed().await;
    assert_complete(&test).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_knows_more_than_the_store_stops_the_relay() {
    let test = TestLedger::open().await;
    let relay = test.relay();
    test.create_many(20).await;
    test.relayed().await;
    relay.stop().await;
    let mut owner = test.database.owner().await;
    sqlx::query("delete from events where position > 15")
        .execute(&mut owner)
        .await
        .unwrap();
    let mut relay = test.relay();
    relay
        .is(|status| matches!(status, KafkaStatus::Stopped(_)))
        .await;
    let error = relay.gives_up().await;
    assert!(matches!(error, Error::Lost(_)), "{error}");
    assert!(error.to_string().contains("16..20"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_away_stops_no_write_and_is_said_to_be_away() {
    // Nobody listens on the port of the discard service.
    let nowhere = KafkaConfig {
        brokers: "127.0.0.1:9".to_owned(),
        ..config()
    };
    let test = TestLedger::open_on(nowhere).await;
    let mut relay = test.relay();
    let mut projector = test.projector(Projection::Medusa);
    test.create_many(10).await;
    relay
        .is(|status| matches!(status, KafkaStatus::Away(_)))
        .await;
    projector
        .is(|status| matches!(status, KafkaStatus::Away(_)))
        .await;
    relay.stop().await;
    projector.stop().await;
}
