//! A Kafka that is away, goes away and comes back: nobody who writes or reads by id notices, and each
//! record is in the topic once.

use devkit::proxy::Proxy;
use devkit::wait;
use hyper::Method;
use serde_json::json;

use crate::support::check::check;
use crate::support::lists;
use crate::support::load::Load;
use crate::support::shop::{Server, Shop};

const ROLES: &str = "api,relay,projector";

/// Waits until `/ready` is 200 with a status.
async fn is(server: &Server, status: &str) {
    wait::until("the status changes", async || {
        let ready = server.ready().await;
        assert_eq!(ready.status, 200, "{}", ready.body);
        (ready.json()["status"] == status).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_broker_writes_and_reads_go_on_until_it_comes() {
    let shop = Shop::open().await;
    let proxy = Proxy::before_broker(&shop.kafka.brokers).await.unwrap();
    proxy.close();
    let brokers = proxy.address.to_string();
    let server = shop.serve_with(ROLES, &[("KAFKA_BROKERS", &brokers)]).await;
    // From the first answer on: nobody takes the broker for granted.
    let ready = server.ready().await;
    assert_eq!(
        (ready.status, &ready.json()["status"]),
        (200, &json!("degraded"))
    );
    assert!(ready.json()["kafka"].is_string(), "{}", ready.body);
    let group = server.create_group("vip").await;
    let guest = server.create_guest("ann@example.com").await;
    let id = guest["id"].as_str().unwrap();
    let update = json!({ "first_name": "Ann", "groups": [{ "id": group }] });
    server.update(id, &update).await.ok();
    let shopline = server.ids(id).await.ok()["ids"]["shopline"].clone();
    let shopline = shopline.as_str().unwrap();
    server
        .put(shopline, &json!({ "last_name": "Lee" }))
        .await
        .ok();
    let medusa = server.get_medusa(id).await.ok();
    assert_eq!(medusa["customer"]["last_name"], "Lee");
    let customer = server.get_shopline(shopline).await.ok();
    assert_eq!(customer["customer"]["first_name"], "Ann");
    let path = format!("/admin/customer-groups/{group}?expand=customers");
    let list = server.medusa(Method::GET, &path);
    let members = lists::list(&list).await;
    assert_eq!(
        members.header("ledger-behind"),
        shop.head().await.to_string()
    );
    is(&server, "degraded").await;
    proxy.open();
    is(&server, "ready").await;
    let members = lists::current_list(&list).await.ok();
    assert_eq!(members["customer_group"]["customers"][0]["id"], id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_goes_and_comes_back_under_load_gets_each_record_once() {
    let shop = Shop::open().await;
    let proxy = Proxy::before_broker(&shop.kafka.brokers).await.unwrap();
    let brokers = proxy.address.to_string();
    let server = shop.serve_with(ROLES, &[("KAFKA_BROKERS", &brokers)]).await;
    is(&server, "ready").await;
    let group = server.create_group("vip").await;
    let load = Load::start(&shop.shopline_token, &group, 8);
    load.open_door(0, &server.base);
    for round in 0..6 {
        load.answers(50).await;
        if round == 2 {
            proxy.freeze();
        } else {
            proxy.close();
        }
        // It is away for good when everybody says so.
        is(&server, "degraded").await;
        load.answers(50).await;
        proxy.open();
        is(&server, "ready").await;
    }
    let told = load.stop().await;
    assert_eq!(told.unanswered, 0);
    check(&shop, &server, &told).await;
}
