//! What the world sees of a rebuild: nothing.

use devkit::http::Call;
use hyper::Method;
use serde_json::json;
use sqlx::Executor as _;
use tokio_util::sync::CancellationToken;

use super::{customers, rebuild, rows, run};
use crate::support::check::{agrees, check};
use crate::support::lists;
use crate::support::load::Load;
use crate::support::shop::{LEDGER_TOKEN, Server, Shop};

/// Rebuilds under load.
const REBUILDS: usize = 4;
/// Rounds of whoever watches, at least.
const ROUNDS_MIN: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_and_writes_go_on_while_tables_are_made_anew() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let group = server.create_group("vip").await;
    let load = Load::start(&shop.shopline_token, &group, 8);
    load.open_door(0, &server.base);
    load.answers(50).await;
    let over = CancellationToken::new();
    let rebuilds = async {
        for _ in 0..REBUILDS {
            rebuild(&shop, &["all"]).await;
            load.answers(20).await;
        }
        rebuild(&shop, &["all", "--back"]).await;
        over.cancel();
    };
    let (rounds, ()) = tokio::join!(watch(&server, &over), rebuilds);
    assert!(rounds >= ROUNDS_MIN, "{rounds} rounds");
    let told = load.stop().await;
    assert_eq!(told.unanswered, 0);
    check(&shop, &server, &told).await;
    rebuild(&shop, &["all", "--compare"]).await;
}

/// Updates one customer again and again, and finds it by id and in lists as it was left, or is told
/// that the list is behind. Says how often.
async fn watch(server: &Server, stop: &CancellationToken) -> usize {
    let guest = server.create_guest("watched@example.com").await;
    let id = guest["id"].as_str().unwrap();
    let medusa = || server.medusa(Method::GET, "/admin/customers?q=watched@example.com");
    let shopline = || {
        let path = "customers/v2/search.json?query_param=watched@example.com";
        server.shopline(Method::GET, path)
    };
    let mut round = 0;
    while !stop.is_cancelled() || round < ROUNDS_MIN {
        round += 1;
        let name = format!("name {round}");
        server.update(id, &json!({ "first_name": name })).await.ok();
        let read = server.get_medusa(id).await.ok();
        assert_eq!(read["customer"]["first_name"], name);
        for call in [medusa(), shopline()] {
            let answer = lists::list(&call).await;
            let body = answer.ok();
            let is_current = body["customers"][0]["first_name"] == name;
            let is_behind = answer.headers.contains_key("ledger-behind");
            assert!(is_current || is_behind, "{name}: {body}");
        }
    }
    round
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_made_anew_are_the_live_ones_to_the_last_byte() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    customers(&server).await;
    agrees(&shop).await;
    let (before, shape) = (rows(&shop).await, shape(&shop).await);
    let out = rebuild(&shop, &["all", "--json"]).await;
    assert_eq!(out.matches(r#""differing":0"#).count(), 2, "{out}");
    assert_eq!(rows(&shop).await, before);
    assert_eq!(self::shape(&shop).await, shape);
    // The projector goes on in them, and what counts customers does.
    server.create_guest("one.more@example.com").await;
    agrees(&shop).await;
    let list = server.medusa(Method::GET, "/admin/customers");
    assert_eq!(lists::current_list(&list).await.ok()["count"], 10);
    rebuild(&shop, &["all", "--compare"]).await;
}

/// Everything that belongs to the live tables besides their rows.
async fn shape(shop: &Shop) -> Vec<String> {
    sqlx::query_scalar(
        "select indexdef from pg_indexes where schemaname = 'public' \
         union all select conrelid::regclass || conname || pg_get_constraintdef(oid) \
         from pg_constraint where connamespace = 'public'::regnamespace \
         union all select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal \
            and tgrelid = any ('{medusa_customers,medusa_groups,shopline_customers}'::regclass[]) \
         union all select relname || relowner || acl::text from pg_class, aclexplode(relacl) acl \
         where relnamespace = 'public'::regnamespace \
         order by 1",
    )
    .fetch_all(&shop.database.pool)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_replaced_tables_come_back_with_what_happened_since() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let (code, _, log) = run(&shop, &["medusa", "--back"]).await;
    assert_eq!(code, 2);
    assert!(
        log.contains("no replaced tables of medusa are kept"),
        "{log}"
    );
    let ids = customers(&server).await;
    agrees(&shop).await;
    rebuild(&shop, &["medusa"]).await;
    server
        .update(&ids[0], &json!({ "first_name": "Since" }))
        .await
        .ok();
    server.create_guest("since@example.com").await;
    agrees(&shop).await;
    let before = rows(&shop).await;
    for _ in 0..2 {
        rebuild(&shop, &["medusa", "--back"]).await;
        assert_eq!(rows(&shop).await, before);
    }
    // A migration came between the tables that are kept and the live ones.
    let mut owner = shop.database.owner().await;
    let added = "alter table medusa_groups add column later text";
    sqlx::query(added).execute(&mut owner).await.unwrap();
    let (code, _, log) = run(&shop, &["medusa", "--back"]).await;
    assert_eq!(code, 1);
    assert!(log.contains("another shape"), "{log}");
    rebuild(&shop, &["medusa"]).await;
    rebuild(&shop, &["medusa", "--back"]).await;
    rebuild(&shop, &["medusa", "--forget"]).await;
    let (code, _, log) = run(&shop, &["medusa", "--back"]).await;
    assert_eq!(code, 2);
    assert!(
        log.contains("no replaced tables of medusa are kept"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_tables_hold_nobody_who_was_deleted_since() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let ids = customers(&server).await;
    agrees(&shop).await;
    rebuild(&shop, &["all"]).await;
    let mut owner = shop.database.owner().await;
    let mut kept = async || -> String {
        sqlx::query_scalar(
            "select (select string_agg(held::text, '') from medusa_kept.medusa_customers held) \
                || (select string_agg(held::text, '') from shopline_kept.shopline_customers held) \
                || (select sum(live) from medusa_kept.medusa_customer_counts)",
        )
        .fetch_one(&mut owner)
        .await
        .unwrap()
    };
    let before = kept().await;
    assert!(before.contains("0@example.com") && before.ends_with('9'));
    let id = server.ids(&ids[0]).await.ok()["ids"]["shopline"].clone();
    let path = format!("customers/{}.json", id.as_str().unwrap());
    server.shopline(Method::DELETE, &path).send().await.ok();
    agrees(&shop).await;
    let after = kept().await;
    assert!(!after.contains("0@example.com"), "{after}");
    assert!(after.contains("1@example.com") && after.ends_with('8'));
    let before = rows(&shop).await;
    rebuild(&shop, &["all", "--back"]).await;
    assert_eq!(rows(&shop).await, before);
    // What an interrupted rebuild left is forgotten, too.
    let mut owner = shop.database.owner().await;
    owner
        .execute("create schema medusa_next; create schema shopline_gone")
        .await
        .unwrap();
    let out = rebuild(&shop, &["all", "--forget"]).await;
    assert_eq!(out.matches("but the live ones are dropped").count(), 2);
    let others: i64 = sqlx::query_scalar(
        "select count(*) from pg_namespace where nspname ~ '^(medusa|shopline)_'",
    )
    .fetch_one(&mut owner)
    .await
    .unwrap();
    assert_eq!(others, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_tells_how_far_projections_are_and_when_they_were_rebuilt() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    customers(&server).await;
    agrees(&shop).await;
    let call = || Call::new(Method::GET, &server.base, "/ledger/projections");
    assert_eq!(call().send().await.status, 401);
    let bearer = format!("Bearer {LEDGER_TOKEN}");
    let ask = async || call().header("authorization", &bearer).send().await.ok();
    let head = shop.head().await;
    let expected = |name| {
        json!({ "name": name, "watermark": head, "head": head, "stalled": false,
            "rebuilding": false, "switched": null })
    };
    let projections = json!({ "projections": [expected("medusa"), expected("shopline")] });
    assert_eq!(ask().await, projections);
    rebuild(&shop, &["shopline"]).await;
    let answer = ask().await;
    assert_eq!(answer["projections"][0], expected("medusa"));
    let switched = &answer["projections"][1]["switched"];
    assert_eq!(switched["position"], head);
    assert_eq!(switched["went_back"], false);
    assert_eq!(switched["kept"], true);
    assert!(switched["at"].as_str().unwrap().ends_with('Z'));
}
