//! The projectors: every record's effect once, whatever is killed, deleted, re-created or lost.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use customer_ledger::domain::customer;
use customer_ledger::kafka::projector::{self, Error, Projection, Watcher, progress};
use customer_ledger::kafka::{KafkaConfig, KafkaStatus, topic};
use devkit::broker::Broker;
use devkit::kafka::topic::Message;
use devkit::wait;
use events::ids::Position;
use futures_util::future::join_all;
use rdkafka::admin::AdminOptions;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, PgConnection};

use crate::kafka::relay::{delete_topic, incarnation};
use crate::support::kafka::{admin, client, position, read};
use crate::support::ledger::{Role, TestLedger};
use crate::support::postgres::database;

/// A view row: table, stream, sequence, position and the view's text.
type Row = (String, String, i64, i64, String);

async fn rows(test: &TestLedger) -> Vec<Row> {
    sqlx::query_as(
        "select 'medusa_customers', stream, sequence, position, view::text from medusa_customers \
         union all \
         select 'medusa_groups', stream, sequence, position, view::text from medusa_groups \
         union all \
         select 'shopline_customers', stream, sequence, position, view::text \
         from shopline_customers order by 1, 2",
    )
    .fetch_all(&test.database.pool)
    .await
    .unwrap()
}

/// Every view is at its stream's last record.
async fn assert_complete(test: &TestLedger) -> Vec<Row> {
    let customers: Vec<(String, i64, i64)> = sqlx::query_as(
        "select aggregate_id, max(sequence), max(position) from events \
         where aggregate_type = 'Customer' group by 1 order by 1",
    )
    .fetch_all(&test.database.pool)
    .await
    .unwrap();
    let rows = rows(test).await;
    for table in ["medusa_customers", "shopline_customers"] {
        let found = rows.iter().filter(|row| row.0 == table);
        let found: Vec<_> = found.map(|row| (row.1.clone(), row.2, row.3)).collect();
        assert_eq!(found, customers, "{table}");
    }
    rows
}

async fn store_reads(test: &TestLedger) -> i64 {
    sqlx::query_scalar("select coalesce(sum(store_reads), 0)::bigint from projection_offsets")
        .fetch_one(&test.database.pool)
        .await
        .unwrap()
}

fn both(test: &TestLedger) -> [Role<Error>; 2] {
    Projection::ALL.map(|projection| test.projector(projection))
}

async fn both_projected(test: &TestLedger) {
    for projection in Projection::ALL {
        test.projected(projection).await;
    }
}

/// Some history: customers, a group, changes and a deletion.
async fn live(test: &TestLedger) {
    let streams = test.create_many(40).await;
    test.create_group("wholesale").await;
    for stream in &streams {
        test.rename(stream, "another").await;
    }
    test.execute(&streams[0], customer::Command::Delete).await;
    test.execute(&streams[1], customer::Command::Erase).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_views_return_from_the_topic_alone_while_the_projectors_run() {
    let test = TestLedger::open().await;
    let relay = test.relay();
    let projectors = both(&test);
    live(&test).await;
    both_projected(&test).await;
    let before = assert_complete(&test).await;
    assert_eq!(before.len(), 40 + 1 + 40);
    assert!(before.iter().any(|row| row.4.contains("another")));
    for projection in Projection::ALL {
        test.database.clear(projection).await;
    }
    relay.stop().await;
    both_projected(&test).await;
    assert_eq!(rows(&test).await, before);
    assert_eq!(store_reads(&test).await, 0);
    for projector in projectors {
        projector.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_projector_the_watermark_lags_and_says_so() {
    let test = TestLedger::open().await;
    let relay = test.relay();
    let projector = test.projector(Projection::Medusa);
    test.create_many(10).await;
    test.projected(Projection::Medusa).await;
    projector.stop().await;
    let stream = test.create("late").await;
    test.relayed().await;
    let (pool, topic) = (&test.database.pool, test.topic());
    let patience = Duration::from_millis(100);
    let watcher = Watcher::start(pool, &topic);
    let now = watcher
        .caught_up(Projection::Medusa, patience)
        .await
        .unwrap();
    assert_eq!((now.watermark.get(), now.head.get()), (10, 11));
    wait::until("the projection counts as stalled", async || {
        let now = progress(pool, &topic, Projection::Medusa).await.unwrap();
        now.stalled.then_some(())
    })
    .await;
    // Somebody who would wait for an hour is answered at once.
    let hour = Duration::from_hours(1);
    let now = watcher.caught_up(Projection::Medusa, hour).await.unwrap();
    assert_eq!((now.watermark.get(), now.stalled), (10, true));
    let projector = test.projector(Projection::Medusa);
    let now = wait::until("it caught up", async || {
        let now = progress(pool, &topic, Projection::Medusa).await.unwrap();
        (now.watermark == Position::new(11)).then_some(now)
    })
    .await;
    assert!(!now.stalled);
    assert!(rows(&test).await.iter().any(|row| *row.1 == *stream));
    projector.stop().await;
    relay.stop().await;
}

#[tokio::test]
async fn many_who_wait_for_a_projection_ask_the_store_as_one() {
    let database = database().await;
    // Time to come: so it is not stalled.
    sqlx::query(
        "insert into events select 'Customer', 'a', 1, 'CustomerUpdated', '1.0.0', '{}', '{}', 1, \
            'main', now() + interval '1 hour'",
    )
    .execute(&mut database.owner().await)
    .await
    .unwrap();
    let statements = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&statements);
    let pool = PgPoolOptions::new()
        .before_acquire(move |_, _| {
            counted.fetch_add(1, Ordering::Relaxed);
            Box::pin(async { Ok(true) })
        })
        .connect_lazy_with(database.app());
    let watcher = Watcher::start(&pool, "no topic");
    let patience = Duration::from_millis(500);
    let waits = (0..64).map(|_| watcher.caught_up(Projection::Medusa, patience));
    for progress in join_all(waits).await {
        let progress = progress.unwrap();
        assert_eq!((progress.watermark.get(), progress.head.get()), (0, 1));
    }
    // Every 5 ms, and when somebody comes.
    assert!(statements.load(Ordering::Relaxed) <= 164);
}

/// Where each partition of the topic ends.
async fn ends(test: &TestLedger) -> Vec<(i32, i64)> {
    let mut ends = std::collections::BTreeMap::new();
    for message in read(&test.kafka).await {
        ends.insert(message.partition, message.offset + 1);
    }
    ends.into_iter().collect()
}

/// Makes a projection believe that it has read the topic to its end.
async fn skip_to_end(test: &TestLedger, projection: Projection) {
    for (partition, end) in ends(test).await {
        sqlx::query(
            "insert into projection_offsets (projection, topic, partition, next_offset) \
             values ($1, $2, $3, $4) on conflict (projection, topic, partition) \
             do update set next_offset = excluded.next_offset",
        )
        .bind(projection.name())
        .bind(test.topic())
        .bind(partition)
        .bind(end)
        .execute(&test.database.pool)
        .await
        .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_jumped_over_comes_from_the_store() {
    let test = TestLedger::open().await;
    let relay = test.relay();
    live(&test).await;
    test.relayed().await;
    for projection in Projection::ALL {
        skip_to_end(&test, projection).await;
    }
    // Some partitions get another record, which tells of those before it; the others get none, and
    // are seen to be behind.
    test.create_many(3).await;
    let projectors = both(&test);
    both_projected(&test).await;
    assert_complete(&test).await;
    assert!(store_reads(&test).await > 0);
    for projector in projectors {
        projector.stop().await;
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_row_comes_back_whole_with_the_next_record() {
    let test = TestLedger::open().await;
    let relay = test.relay();
    let projectors = both(&test);
    let stream = test.create("first").await;
    test.rename(&stream, "second").await;
    both_projected(&test).await;
    let mut owner = test.database.owner().await;
    for table in ["medusa_customers", "shopline_customers"] {
        let delete = format!("delete from {table}");
        sqlx::query(&delete).execute(&mut owner).await.unwrap();
    }
    test.rename(&stream, "third").await;
    both_projected(&test).await;
    assert_complete(&test).await;
    assert_eq!(store_reads(&test).await, 2);
    for projector in projectors {
        projector.stop().await;
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_made_anew_changes_nothing_in_the_views() {
    let test = TestLedger::open().await;
    let relay = test.relay();
    let projectors = both(&test);
    live(&test).await;
    both_projected(&test).await;
    let before = assert_complete(&test).await;
    relay.stop().await;
    delete_topic(&test).await;
    let relay = test.relay();
    wait::until("the incarnation is raised", async || {
        (incarnation(&test).await == 2).then_some(())
    })
    .await;
    both_projected(&test).await;
    assert_eq!(rows(&test).await, before);
    test.create_many(20).await;
    both_projected(&test).await;
    assert_complete(&test).await;
    for projector in projectors {
        projector.stop().await;
    }
    // What a projection starts over from is the new topic, whole.
    test.database.clear(Projection::Medusa).await;
    let before: Vec<Row> = rows(&test).await;
    assert!(before.iter().all(|row| row.0 == "shopline_customers"));
    let projector = test.projector(Projection::Medusa);
    test.projected(Projection::Medusa).await;
    assert_complete(&test).await;
    projector.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_truncated_topic_is_noticed_never_jumped_over() {
    let test = TestLedger::open().await;
    let relay = test.relay();
    live(&test).await;
    test.relayed().await;
    let mut list = TopicPartitionList::new();
    for (partition, end) in ends(&test).await {
        list.add_partition_offset(&test.topic(), partition, Offset::Offset(end))
            .unwrap();
    }
    let options = AdminOptions::new();
    admin(&test.kafka)
        .delete_records(&list, &options)
        .await
        .unwrap();
    let projectors = both(&test);
    both_projected(&test).await;
    test.create_many(20).await;
    both_projected(&test).await;
    assert_complete(&test).await;
    assert!(store_reads(&test).await > 0);
    for projector in projectors {
        projector.stop().await;
    }
    relay.stop().await;
}

/// Waits until both projectors wait for somebody who holds their places.
async fn both_wait(test: &TestLedger) {
    let mut owner = test.database.owner().await;
    wait::until("both wait for their places", async || {
        let waiting: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity where datname = current_database() \
                 and wait_event_type = 'Lock' and query like '%projection_offsets%'",
        )
        .fetch_one(&mut owner)
        .await
        .unwrap();
        (waiting == 2).then_some(())
    })
    .await;
}

/// Locks both projections' place in a partition.
async fn hold_place(holder: &mut PgConnection, partition: i32) {
    sqlx::query("select from projection_offsets where partition = $1 for update")
        .bind(partition)
        .execute(holder)
        .await
        .unwrap();
}

/// Which partition each stream belongs to.
async fn partitions(test: &TestLedger) -> HashMap<String, i32> {
    let messages = read(&test.kafka).await.into_iter();
    messages.map(|it| (it.key, it.partition)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_a_topic_that_is_gone_are_not_taken_for_others() {
    let test = TestLedger::open().await;
    let relay = test.relay();
    let streams = test.create_many(40).await;
    let projectors = both(&test);
    both_projected(&test).await;
    for projector in projectors {
        projector.stop().await;
    }
    // What comes from now on belongs to another filling of the topic than what was read.
    let mut owner = test.database.owner().await;
    sqlx::query("update projection_offsets set incarnation = 0")
        .execute(&mut owner)
        .await
        .unwrap();
    let partitions = partitions(&test).await;
    let mut held = owner.begin().await.unwrap();
    hold_place(&mut held, partitions[streams[0].as_str()]).await;
    let mut projectors = both(&test);
    test.rename(&streams[0], "first").await;
    both_wait(&test).await;
    // The rest is read while the first record waits, and looked at once there is no topic.
    for stream in &streams[1..] {
        test.rename(stream, "another").await;
    }
    test.relayed().await;
    assert_eq!(read(&test.kafka).await.len(), 80);
    relay.stop().await;
    delete_topic(&test).await;
    held.commit().await.unwrap();
    for projector in &mut projectors {
        projector
            .is(|status| matches!(status, KafkaStatus::Away(_)))
            .await;
    }
    let relay = test.relay();
    both_projected(&test).await;
    assert_complete(&test).await;
    for projector in projectors {
        projector.stop().await;
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_crash_of_postgres_took_back_is_projected_again() {
    let test = TestLedger::open().await;
    let relay = test.relay();
    let projectors = both(&test);
    test.create_many(40).await;
    both_projected(&test).await;
    let messages = read(&test.kafka).await;
    let share = |[lost, next]: &&[Message; 2]| lost.partition == next.partition;
    let [lost, next] = messages.array_windows().find(share).unwrap();
    let mut owner = test.database.owner().await;
    let mut held = owner.begin().await.unwrap();
    hold_place(&mut held, lost.partition).await;
    test.rename(&next.key.as_str().into(), "another").await;
    both_wait(&test).await;
    // The views and places of before, as after commits that had not reached the disk. That the offset
    // is the one before is possible: what comes from the store moves only the position.
    for table in ["medusa_customers", "shopline_customers"] {
        sqlx::query(&format!("delete from {table} where stream = $1"))
            .bind(&lost.key)
            .execute(&mut *held)
            .await
            .unwrap();
    }
    sqlx::query("update projection_offsets set applied = $1 where partition = $2")
        .bind(position(lost) - 1)
        .bind(lost.partition)
        .execute(&mut *held)
        .await
        .unwrap();
    held.commit().await.unwrap();
    both_projected(&test).await;
    assert_complete(&test).await;
    for projector in projectors {
        projector.stop().await;
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn projectors_share_the_partitions_and_take_over() {
    let test = TestLedger::open().await;
    let relay = test.relay();
    let first = test.projector(Projection::Medusa);
    test.create_many(20).await;
    test.projected(Projection::Medusa).await;
    let second = test.projector(Projection::Medusa);
    let shopline = test.projector(Projection::Shopline);
    test.create_many(20).await;
    test.projected(Projection::Medusa).await;
    first.kill();
    live(&test).await;
    both_projected(&test).await;
    assert_complete(&test).await;
    assert_eq!(store_reads(&test).await, 0);
    second.stop().await;
    shopline.stop().await;
    relay.stop().await;
}

async fn send(test: &TestLedger, record: FutureRecord<'_, str, str>) {
    let producer: FutureProducer = client(&test.kafka).create().unwrap();
    producer
        .send(record, Duration::from_secs(10))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_no_record_stops_its_projection_and_says_where() {
    let test = TestLedger::open().await;
    let relay = test.relay();
    let mut projector = test.projector(Projection::Medusa);
    let before = test.create("before").await;
    test.projected(Projection::Medusa).await;
    let topic = topic(&test.kafka.prefix, 1);
    let secret = "somebody's secret";
    send(
        &test,
        FutureRecord::to(&topic)
            .key("garbage")
            .payload(secret)
            .partition(7),
    )
    .await;
    projector
        .is(|status| matches!(status, KafkaStatus::Stopped(_)))
        .await;
    let said = projector.status.borrow().to_string();
    let error = projector.gives_up().await;
    assert!(
        matches!(&error, Error::Unreadable(unreadable) if unreadable.partition == 7),
        "{error}"
    );
    assert!(
        said.contains("partition 7") && !said.contains("secret"),
        "{said}"
    );
    // It stays stopped, and what came before stays.
    let again = test.projector(Projection::Medusa);
    assert!(matches!(again.gives_up().await, Error::Unreadable(_)));
    assert!(rows(&test).await.iter().any(|row| *row.1 == *before));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_does_not_decode_stops_its_projection_with_its_position() {
    let test = TestLedger::open().await;
    let relay = test.relay();
    let stream = test.create("before").await;
    let mut owner = test.database.owner().await;
    let break_it = "update events set payload = '{\"event\":\"Unheard\",\"of\":\"secret\"}'";
    sqlx::query(break_it).execute(&mut owner).await.unwrap();
    let projector = test.projector(Projection::Shopline);
    let error = projector.gives_up().await;
    let said = format!("{error}");
    assert!(
        said.contains("position 1") && !said.contains("secret"),
        "{said}"
    );
    assert!(rows(&test).await.is_empty(), "{stream}");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_broker_carries_as_well() {
    let broker = Broker::start(&[("ledger.events", 12)]).unwrap();
    let kafka = |broker: &Broker| KafkaConfig {
        brokers: broker.brokers().to_owned(),
        prefix: "ledger".to_owned(),
        embedded: true,
    };
    let mut test = TestLedger::open_on(kafka(&broker)).await;
    let relay = test.relay();
    let projectors = both(&test);
    live(&test).await;
    both_projected(&test).await;
    let before = assert_complete(&test).await;
    relay.stop().await;
    for projector in projectors {
        projector.stop().await;
    }
    // It keeps nothing: the next one is empty.
    drop(broker);
    let broker = Broker::start(&[("ledger.events", 12)]).unwrap();
    test.kafka = kafka(&broker);
    let relay = test.relay();
    let projectors = both(&test);
    test.create_many(5).await;
    both_projected(&test).await;
    assert_eq!(incarnation(&test).await, 2);
    let after = assert_complete(&test).await;
    assert!(before.iter().all(|row| after.contains(row)));
    for projector in projectors {
        projector.stop().await;
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_watermark_says_what_all_partitions_hold() {
    let test = TestLedger::open().await;
    let topic = test.topic();
    let pool = &test.database.pool;
    let watermark = || projector::watermark(pool, &topic, Projection::Medusa);
    assert_eq!(watermark().await.unwrap().get(), 0);
    let place = async |table: &str, partition: i32, position: i64| {
        let sql = match table {
            "mark" => {
                "insert into sent_positions values ($1, $2, $3) \
                 on conflict (topic, partition) do update set position = excluded.position"
            }
            _ => {
                "insert into projection_offsets (projection, topic, partition, applied) \
                 values ('medusa', $1, $2, $3) on conflict (projection, topic, partition) \
                 do update set applied = excluded.applied"
            }
        };
        let query = sqlx::query(sql).bind(&topic).bind(partition).bind(position);
        query.execute(pool).await.unwrap();
    };
    place("mark", 0, 9).await;
    place("mark", 1, 10).await;
    assert_eq!(watermark().await.unwrap().get(), 0, "nothing was read yet");
    place("applied", 0, 9).await;
    place("applied", 1, 7).await;
    assert_eq!(
        watermark().await.unwrap().get(),
        7,
        "8 or 10 may be missing"
    );
    place("applied", 1, 12).await;
    assert_eq!(
        watermark().await.unwrap().get(),
        10,
        "the mark of 11 may follow"
    );
    place("mark", 1, 12).await;
    assert_eq!(
        watermark().await.unwrap().get(),
        12,
        "partition 0 lacks nothing"
    );
}
