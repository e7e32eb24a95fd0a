//! The job the ledger exists for: an update through either shop becomes events, travels through
//! Kafka, and is read back in both shapes.

use customer_ledger::kafka::projector::Projection;
use devkit::wait;
use hyper::Method;
use serde_json::{Value, json};
use sqlx::Row as _;

use crate::support::kafka;
use crate::support::lists;
use crate::support::shop::{Server, Shop};

/// A customer with an address and a group, made through both shops' seed operations.
struct Story {
    medusa: String,
    shopline: String,
    stream: String,
    group: String,
}

async fn tell(server: &Server) -> Story {
    let guest = server.create_guest("ann@example.com").await;
    let medusa = guest["id"].as_str().unwrap().to_owned();
    let ids = server.ids(&medusa).await.ok();
    let shopline = ids["ids"]["shopline"].as_str().unwrap().to_owned();
    let group = server
        .medusa(Method::POST, "/admin/customer-groups")
        .json(&json!({ "name": "vip" }))
        .send()
        .await
        .ok();
    let group = group["customer_group"]["id"].as_str().unwrap().to_owned();
    let address = json!({ "note": "likes tea", "addresses": [{ "address1": "7720 Cherokee Road",
        "city": "Hagerman", "country_code": "US", "zip": "40202" }] });
    server.put(&shopline, &address).await.ok();
    server
        .update(&medusa, &json!({ "groups": [{ "id": group }] }))
        .await
        .ok();
    let stream = ids["ids"]["ledger"].as_str().unwrap().to_owned();
    Story {
        medusa,
        shopline,
        stream,
        group,
    }
}

#[tokio::test]
async fn two_requests_leave_the_events_that_one_expects_and_both_shops_show_them() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let story = tell(&server).await;
    assert_eq!(
        shop.event_types(&story.stream).await,
        [
            "CustomerCreated",
            "CustomerUpdated",
            "AddressChanged",
            "GroupsAssigned"
        ]
    );
    let path = format!(
        "/admin/customers/{}?expand=groups,shipping_addresses",
        story.medusa
    );
    let medusa = server.medusa(Method::GET, &path).send().await.ok();
    let customer = &medusa["customer"];
    assert_eq!(customer["groups"][0]["id"], story.group.as_str());
    assert_eq!(
        customer["shipping_addresses"][0]["address_1"],
        "7720 Cherokee Road"
    );
    assert_eq!(customer["shipping_addresses"][0]["country_code"], "us");
    let shopline = server.get_shopline(&story.shopline).await.ok();
    assert_eq!(shopline["customer"]["note"], "likes tea");
    assert_eq!(
        shopline["customer"]["default_address"]["country"],
        "United States"
    );
}

#[tokio::test]
async fn every_record_is_in_the_topic_once_and_says_all_about_itself() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let story = tell(&server).await;
    let head = shop.head().await;
    let messages = wait::until("the topic holds every record", async || {
        let messages = kafka::read(&shop.kafka).await;
        (i64::try_from(messages.len()).unwrap() >= head).then_some(messages)
    })
    .await;
    let mut positions: Vec<i64> = messages.iter().map(kafka::position).collect();
    positions.sort_unstable();
    assert_eq!(positions, (1..=head).collect::<Vec<_>>());
    let mut ours: Vec<_> = messages
        .iter()
        .filter(|message| message.key == story.stream)
        .collect();
    ours.sort_by_key(|message| kafka::position(message));
    let types: Vec<_> = ours
        .iter()
        .map(|message| message.header("ce_type"))
        .collect();
    assert_eq!(
        types,
        [
            "ledger.customer.created",
            "ledger.customer.updated",
            "ledger.customer.address_changed",
            "ledger.customer.groups_assigned"
        ]
    );
    let (partition, created) = (ours[0].partition, ours[0]);
    assert!(
        ours.iter().all(|message| message.partition == partition),
        "one key, one partition"
    );
    for (name, value) in [
        ("content-type", "application/json"),
        ("ce_specversion", "1.0"),
        ("ce_subject", story.stream.as_str()),
        ("ce_dataschema", "urn:ledger:schema:CustomerCreated:1.1.0"),
        ("ce_partitionkey", story.stream.as_str()),
        ("ce_sequence", "1"),
        ("ce_ledgerstore", "main"),
        ("ce_ledgerepoch", "1"),
        ("ce_ledgerincarnation", "1"),
    ] {
        assert_eq!(created.header(name), value, "{name}");
    }
    assert!(created.header("ce_source").starts_with("urn:ledger:"));
    assert_eq!(created.header("ce_id"), created.header("ce_ledgerposition"));
    assert!(created.header("traceparent").starts_with("00-"));
    for name in ["ce_time", "ce_ledgerprevious", "ce_ledgermetadata"] {
        assert!(!created.header(name).is_empty(), "{name}");
    }
}

#[tokio::test]
async fn no_personal_value_can_be_read_in_the_events_the_topic_or_the_log() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let story = tell(&server).await;
    let secret = json!({ "email": "Personal@Secret.example", "first_name": "Personalfirst",
        "phone": "+4670123456789", "metadata": { "personalkey": "personalvalue" } });
    let answer = server
        .medusa(Method::POST, &format!("/admin/customers/{}", story.medusa))
        .header("Ledger-On-Behalf-Of", "Personalbehalf")
        .header("Ledger-Reason", "Personalreason")
        .json(&secret)
        .send()
        .await;
    answer.ok();
    // Refusals and errors, too: neither their log nor their record may quote.
    server
        .update(&story.medusa, &json!({ "email": "Personalbad" }))
        .await;
    server.get_medusa("Personalid").await;
    let head = shop.head().await;
    let messages = wait::until("the topic holds every record", async || {
        let messages = kafka::read(&shop.kafka).await;
        (i64::try_from(messages.len()).unwrap() >= head).then_some(messages)
    })
    .await;
    let mut found = format!("{messages:?}");
    let rows = sqlx::query(
        "select e::text from events e union all select r::text from refusals r \
         union all select c::text from claims c where kind not like '%_id' \
         union all select m::text from marks m",
    )
    .fetch_all(&shop.database.pool)
    .await
    .unwrap();
    for row in rows {
        found.push_str(row.get(0));
    }
    found.push_str(&server.log.lock().unwrap());
    let found = found.to_lowercase();
    // None so short that a sealed value could spell it by chance.
    for personal in [
        "personal",
        "cherokee",
        "hagerman",
        "ann@",
        "gustavius",
        "4670123456789",
        "likes tea",
    ] {
        assert!(!found.contains(personal), "{personal} can be read");
    }
}

#[tokio::test]
async fn the_views_return_from_the_topic_alone() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let story = tell(&server).await;
    for _ in 0..40 {
        server
            .update(&story.medusa, &json!({ "password": "p" }))
            .await
            .ok();
    }
    let before = views(&shop).await;
    for projection in Projection::ALL {
        shop.database.clear(projection).await;
    }
    assert_eq!(views(&shop).await, before);
    let reads: i64 =
        sqlx::query_scalar("select coalesce(sum(store_reads), 0)::bigint from projection_offsets")
            .fetch_one(&shop.database.pool)
            .await
            .unwrap();
    assert_eq!(reads, 0, "the store was not read");
}

/// All views' texts once they hold everything.
async fn views(shop: &Shop) -> Vec<String> {
    let (head, topic) = (
        shop.head().await,
        customer_ledger::kafka::topic(&shop.kafka.prefix, 1),
    );
    for projection in Projection::ALL {
        wait::until("the views hold everything", async || {
            let pool = &shop.database.pool;
            let watermark = customer_ledger::kafka::projector::watermark(pool, &topic, projection);
            (watermark.await.unwrap().get() >= head).then_some(())
        })
        .await;
    }
    sqlx::query_scalar(
        "select 'm' || view::text from medusa_customers union all \
         select 'g' || view::text from medusa_groups union all \
         select 's' || view::text from shopline_customers order by 1",
    )
    .fetch_all(&shop.database.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn without_a_projector_lists_lag_and_say_so_while_reads_by_id_stay_current() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay").await;
    let story = tell(&server).await;
    let update = json!({ "first_name": "Newest" });
    server.update(&story.medusa, &update).await.ok();
    let medusa = server.get_medusa(&story.medusa).await.ok();
    assert_eq!(medusa["customer"]["first_name"], "Newest");
    let shopline = server.get_shopline(&story.shopline).await.ok();
    assert_eq!(shopline["customer"]["first_name"], "Newest");
    let path = format!("/admin/customer-groups/{}?expand=customers", story.group);
    let list = server.medusa(Method::GET, &path);
    let members = lists::list(&list).await;
    assert_eq!(members.ok()["customer_group"]["customers"], json!([]));
    assert_eq!(
        members.header("ledger-behind"),
        shop.head().await.to_string()
    );
    let projector = shop.serve("projector").await;
    let members = lists::current_list(&list).await.ok();
    let first_names: Vec<&Value> = members["customer_group"]["customers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|customer| &customer["first_name"])
        .collect();
    assert_eq!(first_names, ["Newest"]);
    drop(projector);
}
