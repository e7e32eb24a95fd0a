//! `kill -9`: nothing that was answered is lost, nothing is doubled, whoever is killed.

use customer_ledger::database::migrate::migrate;
use devkit::postgres::Postgres;
use devkit::wait;
use sqlx::{Connection as _, PgConnection};
use tokio::time::Instant;

use crate::support::check::check;
use crate::support::load::Load;
use crate::support::postgres::{Database, directory};
use crate::support::shop::Shop;

/// The processes that run side by side; the first ones serve requests.
const CREW: [&str; 4] = ["api,relay,projector", "api", "relay", "projector"];
/// How many of them serve requests.
const DOORS: usize = 2;
const KILLS: usize = 20;
const IN_FLIGHT_MIN: usize = 16;
/// Answers between two kills.
const ANSWERS_BETWEEN: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_under_load_lose_nothing_and_double_nothing() {
    let began = Instant::now();
    let shop = Shop::open().await;
    let mut crew = vec![];
    for roles in CREW {
        crew.push(shop.serve(roles).await);
    }
    let group = crew[0].create_group("vip").await;
    let load = Load::start(&shop.shopline_token, &group, 48);
    for (slot, server) in crew.iter().take(DOORS).enumerate() {
        load.open_door(slot, &server.base);
    }
    let mut fewest = usize::MAX;
    for kill in 0..KILLS {
        load.answers(ANSWERS_BETWEEN).await;
        let victim = kill % CREW.len();
        let in_flight = wait::until("enough requests are in flight", async || {
            let door = (victim < DOORS).then_some(victim);
            Some(load.in_flight(door)).filter(|count| *count >= IN_FLIGHT_MIN)
        })
        .await;
        crew.remove(victim).kill().await;
        fewest = fewest.min(in_flight);
        load.close_door(victim);
        crew.insert(victim, shop.serve(CREW[victim]).await);
        if victim < DOORS {
            load.open_door(victim, &crew[victim].base);
        }
    }
    let told = load.stop().await;
    for server in crew {
        server.kill().await;
    }
    println!(
        "{KILLS} kills, each with {fewest} or more requests in flight: {} answered, {} unanswered, {:?}",
        told.answered,
        told.unanswered,
        began.elapsed()
    );
    assert!(told.unanswered >= 20, "the kills came at quiet moments");
    let server = shop.serve(CREW[0]).await;
    check(&shop, &server, &told).await;
    println!("all of it checked after {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_an_immediate_shutdown_of_postgres() {
    let data = directory().join("postgres");
    let mut postgres = Postgres::start(&data).await.unwrap();
    let mut admin = PgConnection::connect(&postgres.url("postgres"))
        .await
        .unwrap();
    let create = sqlx::query("create database shop");
    create.execute(&mut admin).await.unwrap();
    admin.close().await.unwrap();
    migrate(&postgres.url("shop")).await.unwrap();
    let mut shop = Shop::open_on(Database::at(&postgres.url("shop"))).await;
    let mut server = shop.serve(CREW[0]).await;
    let group = server.create_group("vip").await;
    let load = Load::start(&shop.shopline_token, &group, 24);
    for _ in 0..3 {
        load.open_door(0, &server.base);
        load.answers(ANSWERS_BETWEEN).await;
        wait::until("enough requests are in flight", async || {
            (load.in_flight(Some(0)) >= IN_FLIGHT_MIN).then_some(())
        })
        .await;
        server.kill().await;
        postgres.stop_immediately().await.unwrap();
        load.close_door(0);
        postgres = Postgres::start(&data).await.unwrap();
        // It has another port.
        shop.database = Database::at(&postgres.url("shop"));
        server = shop.serve(CREW[0]).await;
    }
    load.open_door(0, &server.base);
    let told = load.stop().await;
    assert!(told.unanswered > 0, "the kills came at quiet moments");
    check(&shop, &server, &told).await;
    server.kill().await;
    postgres.stop().await.unwrap();
}
