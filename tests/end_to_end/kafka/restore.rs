//! The drill: a store that is restored from a backup under a running Kafka lost what came after it. It
//! says so, writes and reads go on, and a person decides.

use std::ops::RangeInclusive;

use customer_ledger::domain::customer::{Command, Customer};
use customer_ledger::event_store::{ExecuteError, StoreError};
use customer_ledger::kafka::relay::Error;
use customer_ledger::kafka::{Identity, KafkaStatus, topic};
use devkit::wait;
use hyper::Method;
use serde_json::{Value, json};

use crate::support::backup::Backup;
use crate::support::check::agrees;
use crate::support::customer::Known;
use crate::support::kafka;
use crate::support::ledger::{TestLedger, request};
use crate::support::lists;
use crate::support::shop::{Server, Shop};

const ROLES: &str = "api,relay,projector";

/// A shop whose store was restored, with what Kafka knows and the store has not.
struct Drill {
    shop: Shop,
    /// Was there before the backup.
    ann: Known,
    lost: RangeInclusive<i64>,
    backup: Backup,
}

impl Drill {
    async fn restored() -> Self {
        let mut shop = Shop::open().await;
        let server = shop.serve(ROLES).await;
        let ann = server.guest("ann@example.com").await;
        server.create_group("vip").await;
        rename(&server, &ann, "Before").await;
        agrees(&shop).await;
        let backup = Backup::take(&shop.database).await;
        let first = shop.head().await + 1;
        rename(&server, &ann, "Lost").await;
        for n in 0..30 {
            server.guest(&format!("lost{n}@example.com")).await;
        }
        agrees(&shop).await;
        let lost = first..=shop.head().await;
        server.kill().await;
        backup.restore(&mut shop.database).await;
        Self {
            shop,
            ann,
            lost,
            backup,
        }
    }

    /// How a person names what is lost.
    fn range(&self) -> String {
        format!("{}..{}", self.lost.start(), self.lost.end())
    }

    /// Waits until `/ready` and the log say what is lost.
    async fn is_said(&self, server: &Server) {
        let lost = format!("positions {} are lost", self.range());
        wait::until("it is said what is lost", async || {
            let ready = server.ready().await;
            assert_eq!(ready.status, 200, "{}", ready.body);
            let kafka = ready.json()["kafka"].to_string();
            kafka.contains(&lost).then_some(())
        })
        .await;
        assert!(server.log.lock().unwrap().contains(&lost));
    }

    /// `ledger epoch advance`: its exit code and what it said.
    async fn advance(&self, accepted: &str) -> (i32, String) {
        let arguments = ["epoch", "advance", "--accept-loss", accepted];
        let (code, out, error) = self.shop.run(&arguments, "").await;
        (code, out + &error)
    }

    /// Both contracts' lists show every customer, and nobody is behind.
    async fn lists_show(&self, server: &Server, count: i64) {
        let path = "/admin/customers?limit=1";
        let medusa = lists::current_list(&server.medusa(Method::GET, path)).await;
        assert_eq!(medusa.ok()["count"], count);
        let shopline = server.shopline(Method::GET, "customers/v2/count.json");
        assert_eq!(lists::current_list(&shopline).await.ok()["count"], count);
    }
}

async fn rename(server: &Server, known: &Known, name: &str) {
    let name = json!({ "first_name": name });
    server.update(&known.medusa, &name).await.ok();
}

async fn is_ready(server: &Server) {
    wait::until("nothing is in the way", async || {
        (server.ready().await.json()["status"] == "ready").then_some(())
    })
    .await;
}

async fn epoch(shop: &Shop) -> i64 {
    Identity::load(&shop.database.pool).await.unwrap().epoch
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_store_says_what_it_lost_and_writes_and_reads_go_on() {
    let drill = Drill::restored().await;
    let before = kafka::read(&drill.shop.kafka).await.len();
    let server = drill.shop.serve(ROLES).await;
    drill.is_said(&server).await;
    let customer = server.in_medusa(&drill.ann).await;
    assert_eq!(customer["first_name"], "Before");
    // What the topic has is not in the views, nor is it written over.
    let path = "/admin/customers?fields=email,first_name";
    let list = lists::list(&server.medusa(Method::GET, path)).await.ok();
    let listed: Vec<&Value> = list["customers"].as_array().unwrap().iter().collect();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["first_name"], "Before");
    let name = json!({ "first_name": "After" });
    server.update(&drill.ann.medusa, &name).await.ok();
    server
        .put(&drill.ann.shopline, &json!({ "note": "tea" }))
        .await
        .ok();
    server.guest("lost1@example.com").await;
    let customer = server.in_shopline(&drill.ann).await;
    assert_eq!(
        (&customer["first_name"], &customer["note"]),
        (&json!("After"), &json!("tea"))
    );
    let list = lists::list(&server.medusa(Method::GET, path)).await;
    assert_eq!(list.header("ledger-behind"), "3");
    assert_eq!(
        kafka::read(&drill.shop.kafka).await.len(),
        before,
        "nothing is sent"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_that_were_used_again_are_found_behind_the_topics_end() {
    let drill = Drill::restored().await;
    // It goes on alone, past all that Kafka has, and on the stream that Kafka knows otherwise.
    let api = drill.shop.serve("api").await;
    rename(&api, &drill.ann, "Another").await;
    for n in 0..40 {
        api.guest(&format!("new{n}@example.com")).await;
    }
    assert!(drill.shop.head().await > *drill.lost.end());
    let server = drill.shop.serve(ROLES).await;
    drill.is_said(&server).await;
    assert_eq!(server.in_medusa(&drill.ann).await["first_name"], "Another");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_accepted_loss_begins_an_epoch_with_a_topic_that_holds_all_of_the_store() {
    let drill = Drill::restored().await;
    let mut server = drill.shop.serve(ROLES).await;
    drill.is_said(&server).await;
    rename(&server, &drill.ann, "After").await;
    let (code, said) = drill.advance(&drill.range()).await;
    assert_eq!(code, 0, "{said}");
    for position in drill.lost.clone() {
        assert!(said.contains(&format!("lost {position} ")), "{said}");
    }
    let topic = topic(&drill.shop.kafka.prefix, 2);
    assert!(said.contains("epoch 2") && said.contains(&topic), "{said}");
    // Who began in the first epoch ends, and starts again.
    let ended = server.child.wait().await.unwrap();
    assert!(!ended.success());
    let log = server.log.lock().unwrap().clone();
    assert!(log.contains("the ledger went on in epoch 2"), "{log}");
    let server = drill.shop.serve(ROLES).await;
    server.guest("new@example.com").await;
    agrees(&drill.shop).await;
    for message in kafka::read_topic(&drill.shop.kafka, &topic).await {
        assert_eq!(message.header("ce_ledgerepoch"), "2");
    }
    drill.lists_show(&server, 2).await;
    is_ready(&server).await;
    // The first epoch's topic ends as it did.
    let old = kafka::read(&drill.shop.kafka).await;
    let last = old.iter().map(kafka::position).max();
    assert_eq!(last, Some(*drill.lost.end()));
    let losses: Vec<(i64, i64, i64)> = sqlx::query_as("select epoch, first, last from losses")
        .fetch_all(&drill.shop.database.pool)
        .await
        .unwrap();
    assert_eq!(losses, [(2, *drill.lost.start(), *drill.lost.end())]);
    let mut owner = drill.shop.database.owner().await;
    for change in ["update losses set last = 99", "delete from losses"] {
        assert!(sqlx::query(change).execute(&mut owner).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_older_than_an_accepted_loss_finds_both_epochs_topics() {
    let mut drill = Drill::restored().await;
    let (code, said) = drill.advance(&drill.range()).await;
    assert_eq!(code, 0, "{said}");
    let server = drill.shop.serve(ROLES).await;
    for n in 0..40 {
        server.guest(&format!("new{n}@example.com")).await;
    }
    agrees(&drill.shop).await;
    server.kill().await;
    drill.lost = *drill.lost.start()..=drill.shop.head().await;
    drill.backup.restore(&mut drill.shop.database).await;
    assert_eq!(epoch(&drill.shop).await, 1);
    let server = drill.shop.serve(ROLES).await;
    drill.is_said(&server).await;
    server.kill().await;
    let (code, said) = drill.advance(&drill.range()).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(epoch(&drill.shop).await, 3);
    let server = drill.shop.serve(ROLES).await;
    agrees(&drill.shop).await;
    drill.lists_show(&server, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_lost_can_be_accepted_and_only_while_nobody_relays() {
    let drill = Drill::restored().await;
    let (first, last) = (*drill.lost.start(), *drill.lost.end());
    for wrong in [
        format!("{first}..{}", last - 1),
        format!("{}..{last}", first + 1),
        format!("{first}..{}", last + 1),
        "1..2".to_owned(),
    ] {
        let (code, said) = drill.advance(&wrong).await;
        let expected = format!(
            "ledger: positions {first}..{last} are lost, not {wrong}: nothing was changed\n"
        );
        assert_eq!((code, said), (1, expected));
    }
    for unread in ["", "16", "20..16", "0..3", "a..b", "1..2..3"] {
        let (code, said) = drill.advance(unread).await;
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("FIRST..LAST, as in 16..20"), "{said}");
    }
    let accepts = ["epoch", "advance", "--accept-loss", &drill.range()];
    // Nobody listens on the port of the discard service.
    for (brokers, expected) in [
        ("", "ledger: KAFKA_BROKERS is not set, and only Kafka knows"),
        (
            "127.0.0.1:9",
            "ledger: Kafka, which knows what was lost, could not be asked",
        ),
    ] {
        let output = drill
            .shop
            .command(&accepts, &[("KAFKA_BROKERS", brokers)])
            .output();
        let output = output.await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.starts_with(expected) && said.lines().count() == 1,
            "{said}"
        );
    }
    assert_eq!(epoch(&drill.shop).await, 1);
    let (code, said) = drill.advance(&drill.range()).await;
    assert_eq!(code, 0, "{said}");
    let (code, said) = drill.advance(&drill.range()).await;
    assert_eq!(code, 1, "{said}");
    assert_eq!(
        said,
        "ledger: nothing is lost: the store has every record that Kafka has\n"
    );
    let server = drill.shop.serve("relay").await;
    is_ready(&server).await;
    let (code, said) = drill.advance(&drill.range()).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.starts_with("ledger: a relay is running"), "{said}");
    assert_eq!(epoch(&drill.shop).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_saw_more_than_a_restored_store_has_writes_nothing_and_ends() {
    let mut shop = Shop::open().await;
    let mut server = shop.serve("api").await;
    let ann = server.guest("ann@example.com").await;
    let backup = Backup::take(&shop.database).await;
    rename(&server, &ann, "Lost").await;
    backup.restore(&mut shop.database).await;
    // The stream comes as far as that process saw it, by another way.
    let other = shop.serve("api").await;
    rename(&other, &ann, "Another").await;
    let head = shop.head().await;
    let update = json!({ "last_name": "Mixed" });
    let path = format!("/admin/customers/{}", ann.medusa);
    let answer = server
        .medusa(Method::POST, &path)
        .json(&update)
        .try_send()
        .await;
    assert!(answer.ok().is_none_or(|answer| answer.status == 503));
    let ended = server.child.wait().await.unwrap();
    assert!(!ended.success());
    let log = server.log.lock().unwrap().clone();
    assert!(
        log.contains("the store went back behind what this process has seen"),
        "{log}"
    );
    assert_eq!(shop.head().await, head);
    let server = shop.serve("api").await;
    server.update(&ann.medusa, &update).await.ok();
    let customer = server.in_medusa(&ann).await;
    assert_eq!(
        (&customer["first_name"], &customer["last_name"]),
        (&json!("Another"), &json!("Mixed"))
    );
}

#[tokio::test]
async fn what_is_cached_of_a_lost_event_decides_nothing() {
    let test = TestLedger::open().await;
    let stream = test.create("Ann").await;
    test.rename(&stream, "Lost").await;
    let mut owner = test.database.owner().await;
    sqlx::query("delete from events where position > 1")
        .execute(&mut owner)
        .await
        .unwrap();
    test.reopened().rename(&stream, "Another").await;
    // The stream is at the sequence at which it was cached.
    let (ledger, request) = (&test.ledger, request());
    let refused = ledger.execute::<Customer>(&stream, Command::Erase, &request);
    assert!(matches!(
        refused.await,
        Err(ExecuteError::Append(StoreError::Lost))
    ));
    assert_eq!(test.head().await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_under_which_the_store_goes_back_sends_nothing_more() {
    let test = TestLedger::open().await;
    let mut relay = test.relay();
    test.create_many(20).await;
    test.relayed().await;
    let mut owner = test.database.owner().await;
    sqlx::query("delete from events where position > 15")
        .execute(&mut owner)
        .await
        .unwrap();
    // Somebody who never saw more goes on, past the end of the topic.
    let other = test.reopened();
    other.create_many(10).await;
    relay
        .is(|status| matches!(status, KafkaStatus::Stopped(_)))
        .await;
    let error = relay.gives_up().await;
    let Error::Lost(loss) = &error else {
        panic!("{error}");
    };
    assert_eq!(
        (loss.first.get(), loss.last.get(), loss.records.len()),
        (16, 20, 5)
    );
    assert_eq!(kafka::read(&test.kafka).await.len(), 20);
}
