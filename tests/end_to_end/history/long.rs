//! Long histories: what is asked is read from a snapshot on, never from the beginning.

use customer_ledger::history::{Shape, shape};
use events::ids::Position;
use events::record::StreamKind;
use jiff::tz::TimeZone;
use projections::shopline::Store;
use serde_json::json;

use super::open;
use crate::support::shop::Shop;

/// Two snapshots' worth of events, and some.
const EVENTS: i64 = 530;

async fn as_owner(shop: &Shop, sql: &str) -> u64 {
    let owner = sqlx::PgPool::connect(&shop.database.owner_url)
        .await
        .unwrap();
    sqlx::query(sql)
        .execute(&owner)
        .await
        .unwrap()
        .rows_affected()
}

#[tokio::test]
async fn a_long_history_is_read_from_a_snapshot_and_says_the_same() {
    let (shop, server) = open().await;
    let known = server.guest("long@example.com").await;
    for number in 2..=EVENTS {
        let body = json!({ "first_name": number.to_string() });
        server.update(&known.medusa, &body).await.ok();
    }
    let (ledger, last) = (shop.ledger(), Position::new(EVENTS));
    let history = ledger
        .history(StreamKind::Customer, &known.stream, Position::START, last)
        .await
        .unwrap();
    let store = Store {
        time_zone: TimeZone::get("Asia/Shanghai").unwrap(),
        currency: "USD".to_owned(),
    };
    let asked = shape::Asked {
        shape: Some("shopline"),
        ..shape::Asked::default()
    };
    let shape = Shape::parse(asked, &store).unwrap();
    let folded: Vec<_> = history.documents(&shape).collect();
    let places = [1, 2, 255, 256, 257, 400, 511, 512, 513, EVENTS];
    // The first round leaves the snapshots behind that the second one reads.
    for round in 1..=2 {
        for position in places {
            let question = format!("?shape=shopline&as_of={position}");
            let shown = server.ask(&known.medusa, &question).await;
            let (entry, document) = &folded[usize::try_from(position).unwrap() - 1];
            assert_eq!(entry.position().get(), position);
            assert_eq!(
                Some(&shown.body),
                document.as_ref(),
                "{position} in round {round}"
            );
        }
    }
    // Nothing personal can be read in them.
    let open = "select from snapshots where state::text ~ 'long@example|\"5[0-9]+\"'";
    assert_eq!(as_owner(&shop, open).await, 0);
    assert_eq!(
        as_owner(&shop, "select from snapshots where sequence in (256, 512)").await,
        2
    );
    // A snapshot that does not open is as good as none.
    let moved = "update snapshots set state = (select state from snapshots where sequence = 256) \
         where sequence = 512";
    as_owner(&shop, moved).await;
    let shown = server.ask(&known.medusa, "?shape=shopline&as_of=513").await;
    assert_eq!(Some(&shown.body), folded[512].1.as_ref());
    // What is before a snapshot is not read any more: here, it could not be.
    as_owner(&shop, "update events set payload = '{}' where position = 2").await;
    let shown = server.ask(&known.medusa, "?shape=shopline&as_of=400").await;
    assert_eq!(Some(&shown.body), folded[399].1.as_ref());
    let diff = server
        .ask(&known.medusa, "/diff?shape=shopline&from=300&to=520")
        .await
        .ok();
    let name = diff["differences"].as_array().unwrap().iter();
    let name = name.filter(|change| change["pointer"] == "/customer/first_name");
    assert_eq!(
        name.map(|change| &change["by"]["position"])
            .collect::<Vec<_>>(),
        [520]
    );
    let blame = server.ask(&known.medusa, "/blame?shape=shopline").await;
    assert_eq!(blame.status, 500, "blame goes back to the birth");
    // A snapshot of another history is as good as none.
    let otherwise = "update events set time = time + interval '1 us' where position = 256";
    as_owner(&shop, otherwise).await;
    let shown = server.ask(&known.medusa, "?shape=shopline&as_of=400").await;
    assert_eq!(shown.status, 500, "there is no snapshot of this one");
}
