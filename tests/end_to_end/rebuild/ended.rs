//! Rebuilds that end early, or do not begin.

use devkit::wait;
use serde_json::json;
use sqlx::{Connection as _, Executor as _};

use super::{customers, rebuild, rows, run};
use crate::support::check::agrees;
use crate::support::lists;
use crate::support::shop::Shop;

/// Starts `ledger rebuild medusa`, which a lock on a table stops; kills it as the kernel does once it
/// waits there and `reached` says so.
async fn killed(shop: &Shop, lock: &str, reached: &str) {
    let mut owner = shop.database.owner().await;
    let mut held = owner.begin().await.unwrap();
    held.execute(lock).await.unwrap();
    let mut watcher = shop.database.owner().await;
    let mut child = shop.command(&["rebuild", "medusa"], &[]).spawn().unwrap();
    wait::until("it waits for the lock", async || {
        let waits: bool = sqlx::query_scalar(&format!(
            "select ({reached}) and exists (select from pg_locks where not granted \
             and database = (select oid from pg_database where datname = current_database()))"
        ))
        .fetch_one(&mut watcher)
        .await
        .unwrap();
        waits.then_some(())
    })
    .await;
    let (code, _, log) = run(shop, &["medusa"]).await;
    assert_eq!(code, 1);
    assert!(
        log.contains("another rebuild of medusa is running"),
        "{log}"
    );
    child.kill().await.unwrap();
    held.rollback().await.unwrap();
    // Its session ends with it, a moment later.
    wait::until("its lock is gone", async || {
        let held: bool = sqlx::query_scalar(
            "select exists (select from pg_locks where locktype = 'advisory' and classid = 1818453)",
        )
        .fetch_one(&shop.database.pool)
        .await
        .unwrap();
        (!held).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_stage_leaves_the_live_tables_and_the_next_rebuild_starts_clean() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let ids = customers(&server).await;
    agrees(&shop).await;
    let before = rows(&shop).await;
    let there = "to_regnamespace('medusa_next') is not null";
    // While it reads events.
    killed(
        &shop,
        "lock table stream_keys in access exclusive mode",
        there,
    )
    .await;
    assert_eq!(rows(&shop).await, before);
    // When all is there, and it is about to switch: somebody reads the live tables.
    let finished = "to_regclass('medusa_next.medusa_customers_by_text') is not null";
    killed(&shop, "select from medusa_customers limit 1", finished).await;
    assert_eq!(rows(&shop).await, before);
    rebuild(&shop, &["medusa"]).await;
    assert_eq!(rows(&shop).await, before);
    let schemas: Vec<String> = sqlx::query_scalar(
        "select nspname::text from pg_namespace where nspname like 'medusa%' order by 1",
    )
    .fetch_all(&shop.database.pool)
    .await
    .unwrap();
    assert_eq!(schemas, ["medusa_kept"]);
    server
        .update(&ids[0], &json!({ "first_name": "After" }))
        .await
        .ok();
    agrees(&shop).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_holds_the_live_tables_delays_the_switch_and_no_request() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let ids = customers(&server).await;
    agrees(&shop).await;
    let mut reader = shop.database.owner().await;
    let mut reading = reader.begin().await.unwrap();
    reading
        .execute("select from medusa_customers limit 1")
        .await
        .unwrap();
    let waiting = rebuild(&shop, &["medusa"]);
    let meanwhile = async {
        for number in 0..30 {
            let name = number.to_string();
            server
                .update(&ids[0], &json!({ "first_name": name }))
                .await
                .ok();
            let list = server.medusa(hyper::Method::GET, "/admin/customers?q=0@example.com");
            assert_eq!(lists::list(&list).await.ok()["count"], 1);
        }
        reading.commit().await.unwrap();
    };
    tokio::join!(waiting, meanwhile);
    agrees(&shop).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_holds_the_new_tables_delays_the_switch_and_spoils_nothing() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    customers(&server).await;
    agrees(&shop).await;
    let [mut reader, mut analyst, mut watcher] = [
        shop.database.owner().await,
        shop.database.owner().await,
        shop.database.owner().await,
    ];
    let mut reading = reader.begin().await.unwrap();
    reading
        .execute("select from medusa_customers limit 1")
        .await
        .unwrap();
    let mut becomes = async |what: &str| {
        wait::until(what, async || {
            let is_so: bool = sqlx::query_scalar(&format!("select {what}"))
                .fetch_one(&mut watcher)
                .await
                .unwrap();
            is_so.then_some(())
        })
        .await;
    };
    let held_meanwhile = async {
        becomes("to_regclass('medusa_next.medusa_customers_by_text') is not null").await;
        // As autovacuum does.
        let mut analysis = analyst.begin().await.unwrap();
        analysis
            .execute("lock table medusa_next.medusa_customers in share update exclusive mode")
            .await
            .unwrap();
        reading.commit().await.unwrap();
        becomes(
            "exists (select from pg_locks where not granted \
             and relation = to_regclass('medusa_next.medusa_customers'))",
        )
        .await;
        analysis.commit().await.unwrap();
    };
    tokio::join!(rebuild(&shop, &["medusa"]), held_meanwhile);
    agrees(&shop).await;
}
