//! That nothing is lost and nothing is doubled: in the reads, the events, the topic and the views.

use std::collections::BTreeMap;

use customer_ledger::event_store::reader;
use customer_ledger::kafka::projector::{self, Projection};
use devkit::wait;
use events::ids::{Position, StreamId};
use events::record::StreamKind;
use projections::{medusa, shopline};
use serde::Serialize;

use super::kafka;
use super::load::{Customer, Told};
use super::shop::{Server, Shop};

const PAGE: i64 = 1000;

/// Every stream's views, folded from the events, and the numbers that its first name went through.
#[derive(Default)]
pub(crate) struct Folded {
    medusa: BTreeMap<StreamId, medusa::Customer>,
    groups: BTreeMap<StreamId, medusa::Group>,
    shopline: BTreeMap<StreamId, shopline::Customer>,
    names: BTreeMap<StreamId, Vec<u64>>,
}

/// Checks all promises about what was told.
pub(crate) async fn check(shop: &Shop, server: &Server, told: &Told) {
    for customer in &told.customers {
        reads_are_current(server, customer).await;
    }
    let folded = agrees(shop).await;
    for customer in &told.customers {
        events_are_as_answered(customer, &folded.names[customer.stream.as_str()]);
    }
}

/// Checks that positions have no gap, and that the topic and the views hold what the events say.
pub(crate) async fn agrees(shop: &Shop) -> Folded {
    positions_are_gapless(shop).await;
    let folded = fold(shop).await;
    topic_holds_each_record_once(shop).await;
    views_are_as_folded(shop, &folded).await;
    folded
}

async fn reads_are_current(server: &Server, customer: &Customer) {
    let last = *customer.answered.last().unwrap();
    let medusa = server.get_medusa(&customer.medusa).await.ok();
    let shopline = server.get_shopline(&customer.shopline).await.ok();
    for read in [medusa, shopline] {
        let name = read["customer"]["first_name"].as_str().unwrap();
        let number: u64 = name.parse().unwrap();
        assert!(
            number >= last,
            "{} was {last}, is {number}",
            customer.medusa
        );
    }
}

async fn positions_are_gapless(shop: &Shop) {
    let pool = &shop.database.pool;
    let positions: Vec<i64> = sqlx::query_scalar("select position from events order by position")
        .fetch_all(pool)
        .await
        .unwrap();
    assert_eq!(positions, (1..=shop.head().await).collect::<Vec<_>>());
    let gaps: i64 = sqlx::query_scalar(
        "select count(*) from (select sequence, row_number() over \
            (partition by aggregate_type, aggregate_id order by position) as expected \
         from events) s where sequence <> expected",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(gaps, 0, "sequences follow positions");
}

/// Every answered number is there, in order; a request that was repeated under its key did its work
/// once, and none came back later.
fn events_are_as_answered(customer: &Customer, names: &[u64]) {
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    let answered = &customer.answered;
    assert!(
        answered.iter().all(|number| names.contains(number)),
        "{answered:?} was answered, {names:?} is there"
    );
    if customer.repeats {
        assert_eq!(answered, names);
    }
}

async fn fold(shop: &Shop) -> Folded {
    let (pool, keyring) = (&shop.database.pool, crate::support::shop::keyring());
    let mut folded = Folded::default();
    let mut position = Position::START;
    loop {
        let records = reader::after(pool, position, PAGE).await.unwrap();
        let Some(last) = records.last() else {
            return folded;
        };
        position = last.position;
        let streams: Vec<&StreamId> = records.iter().map(|record| &record.stream).collect();
        let mut connection = pool.acquire().await.unwrap();
        let keys = reader::keys(&mut connection, &keyring, &streams)
            .await
            .unwrap();
        for stored in &records {
            let (stream, key) = (stored.stream.clone(), keys.get(&stored.stream));
            match stored.kind {
                StreamKind::Customer => {
                    let record = reader::decode(stored, key.map(AsRef::as_ref)).unwrap();
                    folded
                        .shopline
                        .entry(stream.clone())
                        .or_default()
                        .apply(&record);
                    let view = folded.medusa.entry(stream.clone()).or_default();
                    view.apply(&record);
                    let names = folded.names.entry(stream).or_default();
                    let name = view
                        .profile
                        .first_name
                        .as_ref()
                        .and_then(|it| it.parse().ok());
                    names.extend(name.filter(|name| names.last() != Some(name)));
                }
                StreamKind::CustomerGroup => {
                    let record = reader::decode(stored, None).unwrap();
                    folded.groups.entry(stream).or_default().apply(&record);
                }
            }
        }
    }
}

async fn topic_holds_each_record_once(shop: &Shop) {
    let head = shop.head().await;
    wait::until("everything was sent", async || {
        let sent: Option<i64> = sqlx::query_scalar("select max(position) from sent_positions")
            .fetch_one(&shop.database.pool)
            .await
            .unwrap();
        (sent.unwrap_or(0) >= head).then_some(())
    })
    .await;
    let messages = kafka::read_topic(&shop.kafka, &shop.topic().await).await;
    let mut positions: Vec<i64> = messages.iter().map(kafka::position).collect();
    positions.sort_unstable();
    assert_eq!(positions, (1..=head).collect::<Vec<_>>());
    let mut last: BTreeMap<(&str, i32), i64> = BTreeMap::new();
    for message in &messages {
        let sequence: i64 = message.header("ce_sequence").parse().unwrap();
        let place = (message.key.as_str(), message.partition);
        let before = last.insert(place, sequence).unwrap_or(0);
        assert_eq!(sequence, before + 1, "{}", message.key);
    }
}

async fn views_are_as_folded(shop: &Shop, folded: &Folded) {
    let (pool, head) = (&shop.database.pool, shop.head().await);
    let topic = shop.topic().await;
    for projection in Projection::ALL {
        wait::until("the views hold everything", async || {
            let watermark = projector::watermark(pool, &topic, projection);
            (watermark.await.unwrap().get() >= head).then_some(())
        })
        .await;
    }
    assert_eq!(rows(shop, "medusa_customers").await, texts(&folded.medusa));
    assert_eq!(rows(shop, "medusa_groups").await, texts(&folded.groups));
    assert_eq!(
        rows(shop, "shopline_customers").await,
        texts(&folded.shopline)
    );
}

async fn rows(shop: &Shop, table: &str) -> BTreeMap<StreamId, String> {
    let sql = format!("select stream, view::text from {table}");
    let rows: Vec<(StreamId, String)> = sqlx::query_as(&sql)
        .fetch_all(&shop.database.pool)
        .await
        .unwrap();
    rows.into_iter().collect()
}

fn texts<V: Serialize>(views: &BTreeMap<StreamId, V>) -> BTreeMap<StreamId, String> {
    views
        .iter()
        .map(|(stream, view)| (stream.clone(), serde_json::to_string(view).unwrap()))
        .collect()
}
