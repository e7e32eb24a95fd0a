//! cqrs-es and postgres-es over the ledger's own rows: the same state, commits, conflicts.

use std::collections::HashMap;
use std::sync::Arc;

use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{AggregateError, EventStore as _};
use customer_ledger::domain::customer::Customer;
use customer_ledger::domain::group::CustomerGroup;
use customer_ledger::event_store::cqrs::repository::Repository;
use events::customer::CustomerUpdated;
use events::ids::StreamId;
use events::patch::Patch;
use events::personal::Personal;
use events::{CustomerEvent, GroupEvent};
use postgres_es::PostgresEventRepository;
use serde_json::{Value, json};

use crate::support::customer::Known;
use crate::support::ledger::request;
use crate::support::shop::{Server, Shop};

type Customers = PersistedEventStore<Repository, Customer>;
type Groups = PersistedEventStore<Repository, CustomerGroup>;

fn metadata() -> HashMap<String, String> {
    let flat = request().metadata.to_flat();
    let text = |value: Value| value.as_str().unwrap().to_owned();
    flat.into_iter()
        .map(|(name, value)| (name, text(value)))
        .collect()
}

fn renamed(first_name: &str) -> Vec<CustomerEvent> {
    vec![CustomerEvent::CustomerUpdated(CustomerUpdated {
        first_name: Patch::Set(Personal::from(first_name.to_owned())),
        ..CustomerUpdated::default()
    })]
}

/// A customer with every kind of event, and a group.
async fn lived(server: &Server) -> (Known, StreamId) {
    let known = server.registered("r@example.com").await;
    let group = server.group("vip").await;
    let update = json!({ "groups": [{ "id": group }], "metadata": { "a": { "b": [1, null] } },
        "phone": "+1 555" });
    server.update(&known.medusa, &update).await.ok();
    let put = json!({ "addresses": [{ "address1": "1 Main Street", "country_code": "typed" }],
        "tags": "a,b", "gender": 3, "email": "new@example.com", "accepts_marketing": true });
    server.put(&known.shopline, &put).await.ok();
    (known, group.trim_start_matches("cgrp_").into())
}

#[tokio::test]
async fn cqrs_es_loads_the_state_that_the_ledger_loads() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let (known, group) = lived(&server).await;
    let ledger = Arc::new(shop.ledger());
    let customers = Customers::new_event_store(Repository::new(Arc::clone(&ledger)));
    let theirs = customers.load_aggregate(&known.stream).await.unwrap();
    let ours = ledger.load::<Customer>(&known.stream).await.unwrap();
    assert_eq!(theirs.aggregate, ours.aggregate);
    assert_eq!(
        i64::try_from(theirs.current_sequence).unwrap(),
        ours.sequence.get()
    );
    assert_eq!(
        ours.aggregate.profile.email,
        Some("new@example.com".to_owned())
    );
    let groups = Groups::new_event_store(Repository::new(Arc::clone(&ledger)));
    let theirs = groups.load_aggregate(&group).await.unwrap();
    let ours = ledger.load::<CustomerGroup>(&group).await.unwrap();
    assert_eq!(
        (theirs.aggregate, theirs.current_sequence),
        (ours.aggregate.clone(), 1)
    );
    // Who asked is opened, too.
    let events = customers.load_events(&known.stream).await.unwrap();
    assert!(
        events
            .iter()
            .all(|event| event.metadata.contains_key("request_id"))
    );
}

#[tokio::test]
async fn cqrs_es_commits_what_the_front_door_then_shows() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let (known, _) = lived(&server).await;
    let head = shop.head().await;
    let customers = Customers::new_event_store(Repository::new(Arc::new(shop.ledger())));
    let context = customers.load_aggregate(&known.stream).await.unwrap();
    customers
        .commit(renamed("Committed"), context, metadata())
        .await
        .unwrap();
    assert_eq!(shop.head().await, head + 1);
    assert_eq!(server.in_medusa(&known).await["first_name"], "Committed");
    assert_eq!(server.in_shopline(&known).await["first_name"], "Committed");
    let payload: String =
        sqlx::query_scalar("select payload::text from events order by position desc limit 1")
            .fetch_one(&shop.database.pool)
            .await
            .unwrap();
    assert!(
        payload.contains("$sealed") && !payload.contains("Committed"),
        "{payload}"
    );
}

#[tokio::test]
async fn two_commits_at_one_sequence_conflict_and_the_first_stands() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let (known, _) = lived(&server).await;
    let ledger = Arc::new(shop.ledger());
    let customers = Customers::new_event_store(Repository::new(Arc::clone(&ledger)));
    let first = customers.load_aggregate(&known.stream).await.unwrap();
    let second = customers.load_aggregate(&known.stream).await.unwrap();
    customers
        .commit(renamed("First"), first, metadata())
        .await
        .unwrap();
    let head = shop.head().await;
    let error = customers
        .commit(renamed("Second"), second, metadata())
        .await
        .unwrap_err();
    assert!(
        matches!(error, AggregateError::AggregateConflict),
        "{error}"
    );
    assert_eq!(shop.head().await, head);
    assert_eq!(server.in_medusa(&known).await["first_name"], "First");
    // The same through the ledger's own view of itself.
    let (first, second) = (
        ledger.load::<Customer>(&known.stream).await.unwrap(),
        ledger.load::<Customer>(&known.stream).await.unwrap(),
    );
    ledger
        .commit(renamed("Third"), (*first).clone(), metadata())
        .await
        .unwrap();
    let error = ledger
        .commit(renamed("Fourth"), (*second).clone(), metadata())
        .await
        .unwrap_err();
    assert!(
        matches!(error, AggregateError::AggregateConflict),
        "{error}"
    );
}

#[tokio::test]
async fn a_commit_that_takes_a_taken_email_is_refused() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    server.registered("taken@example.com").await;
    let known = server.registered("mine@example.com").await;
    let customers = Customers::new_event_store(Repository::new(Arc::new(shop.ledger())));
    let context = customers.load_aggregate(&known.stream).await.unwrap();
    let head = shop.head().await;
    let taken = CustomerUpdated {
        email: Patch::Set(Personal::from("taken@example.com".to_owned())),
        ..CustomerUpdated::default()
    };
    let events = vec![CustomerEvent::CustomerUpdated(taken)];
    assert!(customers.commit(events, context, metadata()).await.is_err());
    assert_eq!(shop.head().await, head);
}

/// Whether any value of an event is open; how many are sealed.
fn forms(value: &Value) -> (usize, usize) {
    let text = value.to_string();
    (
        text.matches(r#""$open""#).count(),
        text.matches(r#""$sealed""#).count(),
    )
}

#[tokio::test]
async fn the_bare_postgres_es_parses_every_row_with_its_personal_values_sealed() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let (known, group) = lived(&server).await;
    let pool = shop.database.pool.clone();
    let customers = PersistedEventStore::<PostgresEventRepository, Customer>::new_event_store(
        PostgresEventRepository::new(pool.clone()),
    );
    let events = customers.load_events(&known.stream).await.unwrap();
    let types: Vec<&str> = events
        .iter()
        .map(|event| event.payload.type_name())
        .collect();
    assert_eq!(types, shop.event_types(&known.stream).await);
    let mut sealed_in_all = 0;
    for event in &events {
        let (open, sealed) = forms(&serde_json::to_value(&event.payload).unwrap());
        assert_eq!(open, 0);
        sealed_in_all += sealed;
    }
    assert!(sealed_in_all > 8, "{sealed_in_all}");
    let CustomerEvent::CustomerCreated(created) = &events[0].payload else {
        panic!("the first event creates");
    };
    assert!(matches!(created.email, Some(Personal::Sealed(_))));
    assert_eq!(*created.ids.shopline, *known.shopline);
    let groups = PersistedEventStore::<PostgresEventRepository, CustomerGroup>::new_event_store(
        PostgresEventRepository::new(pool),
    );
    let events = groups.load_events(&group).await.unwrap();
    assert!(
        matches!(&events[0].payload, GroupEvent::GroupCreated(created) if created.name == "vip")
    );
}
