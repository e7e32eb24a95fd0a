//! `ledger dev`: everything on one machine, for people and for scripts.

mod process;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use customer_ledger::auth::apps::{APP_TOKEN_LIFE, app_token};
use customer_ledger::database::migrate::migrate;
use customer_ledger::kafka::KafkaConfig;
use devkit::http::Call;
use devkit::postgres::Postgres;
use devkit::wait;
use hyper::Method;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use self::process::{Dev, command, fails, ledger_dev};
use crate::support::kafka;
use crate::support::postgres::{directory, empty_database};
use crate::support::shop::now;

/// What `dev.env` has to have.
const VARIABLES: [&str; 15] = [
    "BASE_URL",
    "DATABASE_URL",
    "KAFKA_BROKERS",
    "KAFKA_PREFIX",
    "KAFKA_TOPIC",
    "MEDUSA_API_TOKEN",
    "MEDUSA_ADMIN_EMAIL",
    "MEDUSA_ADMIN_PASSWORD",
    "MEDUSA_JWT_SECRET",
    "SHOPLINE_HANDLE",
    "SHOPLINE_TOKEN",
    "SHOPLINE_READ_TOKEN",
    "SHOPLINE_APP_SECRET",
    "SHOPLINE_JWT_SECRET",
    "LEDGER_TOKEN",
];

#[tokio::test]
async fn a_script_waits_for_ready_and_finds_all_it_needs() {
    let data = directory();
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut child = ledger_dev(&data, &[("LEDGER_LISTEN", &free.to_string())])
        .spawn()
        .unwrap();
    wait::until("it is ready", async || {
        assert_eq!(child.try_wait().unwrap(), None);
        let base = format!("http://{free}");
        let ready = Call::new(Method::GET, &base, "/ready")
            .try_send()
            .await
            .ok();
        ready.filter(|ready| ready.status == 200)
    })
    .await;
    let file = fs::metadata(data.join("dev.env")).expect("it was written before");
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    child.kill().await.unwrap();

    let dev = Dev::start(&data, &[]).await;
    for name in VARIABLES {
        assert!(!dev.get(name).is_empty(), "{name} is empty");
    }
    assert!(!dev.environment.contains_key("LEDGER_MASTER_KEY"));
    dev.create_guest("ann").await;
    everything_can_be_selected(dev.get("DATABASE_URL")).await;
    // Who may only read may not write.
    let reader = format!("Bearer {}", dev.get("SHOPLINE_READ_TOKEN"));
    let refused = dev
        .call(Method::POST, "/admin/openapi/v20220901/customers.json")
        .header("authorization", &reader)
        .json(&json!({ "customer": { "email": "b@example.com" } }))
        .send()
        .await;
    assert_eq!(refused.status, 403, "{}", refused.body);
}

async fn everything_can_be_selected(url: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let tables: Vec<String> =
        sqlx::query_scalar("select tablename from pg_tables where schemaname = 'public'")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    assert!(tables.len() > 10, "{tables:?}");
    for table in tables {
        sqlx::query(&format!("select * from {table}"))
            .fetch_all(&mut connection)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn the_printed_requests_work_and_a_signal_stops_everything() {
    let data = directory();
    let mut dev = Dev::start(&data, &[]).await;
    let first = dev.environment.clone();
    let ann = dev.create_guest("ann").await;
    for signal in ["TERM", "INT"] {
        let requests = dev.printed_requests();
        assert_eq!(requests.len(), 2, "{requests:?}");
        for request in requests {
            let output = command("sh").args(["-c", &request]).output().await.unwrap();
            let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            assert!(answer["customer"]["id"].is_string(), "{request}: {answer}");
        }
        // A terminal's Ctrl-C reaches the whole group.
        let code = dev.signal(signal, signal == "INT").await;
        assert_eq!(code, Some(0), "{signal}");
        dev = Dev::start(&data, &[]).await;
        for name in VARIABLES {
            let is_address = ["BASE_URL", "DATABASE_URL", "KAFKA_BROKERS"].contains(&name);
            assert!(
                is_address || dev.get(name) == first[name],
                "{name} is another"
            );
        }
        assert_eq!(dev.first_name(&ann).await, "ann");
    }
}

#[tokio::test]
async fn a_kill_leaves_nothing_running_and_loses_nothing() {
    let data = directory();
    let mut dev = Dev::start(&data, &[]).await;
    let mut customers = vec![];
    for number in 0..8 {
        customers.push((dev.create_guest(&format!("c{number}")).await, 0));
    }
    for _ in 0..2 {
        let rename = async |(id, answered): &mut (String, i32)| {
            for number in *answered + 1.. {
                if dev.rename(id, &number.to_string()).await.is_none() {
                    return;
                }
                *answered = number;
            }
        };
        let load = futures_util::future::join_all(customers.iter_mut().map(rename));
        let pid = dev.pid();
        let kill = async {
            wait::until("something is there to be lost", async || {
                let ids = dev.ids(&"0".repeat(3)).try_send().await.ok();
                ids.map(drop)
            })
            .await;
            process::kill(pid).await;
        };
        tokio::join!(load, kill);
        process::nothing_runs(&data).await;
        dev = Dev::start(&data, &[]).await;
        for (id, answered) in &mut customers {
            let name = dev.first_name(id).await;
            let number: i32 = name.parse().unwrap_or(0);
            assert!(number >= *answered, "{id} was {answered}, is {name}");
            *answered = number;
        }
    }
    assert!(customers.iter().any(|(_, answered)| *answered > 0));
}

#[tokio::test]
async fn given_secrets_are_used() {
    let data = directory();
    let token = |app: &str| app_token("theirs", app, "shop", "77", now(), APP_TOKEN_LIFE);
    let (app, reader) = (token(&"a".repeat(40)), token(&"b".repeat(40)));
    let given = [
        ("MEDUSA_API_TOKEN", "their api token"),
        ("MEDUSA_ADMIN_EMAIL", "admin@example.com"),
        ("MEDUSA_ADMIN_PASSWORD", "it's $HOME \"quoted\" `too`"),
        ("MEDUSA_JWT_SECRET", "their medusa secret"),
        ("SHOPLINE_HANDLE", "shop"),
        ("SHOPLINE_STORE_ID", "77"),
        ("SHOPLINE_TOKEN", &app),
        ("SHOPLINE_READ_TOKEN", &reader),
        ("SHOPLINE_APP_SECRET", "their app secret"),
        ("SHOPLINE_JWT_SECRET", "theirs"),
        ("LEDGER_TOKEN", "their ledger token"),
    ];
    let dev = Dev::start(&data, &given).await;
    for (name, value) in given {
        assert!(
            name == "SHOPLINE_STORE_ID" || dev.get(name) == value,
            "{name}"
        );
    }
    let ann = dev.create_guest("ann").await;
    assert_eq!(dev.first_name(&ann).await, "ann");
    assert_eq!(dev.signal("TERM", false).await, Some(0));
    // What was given is not kept, nor is what was made forgotten.
    let kept = fs::read_to_string(data.join("secrets.env")).unwrap();
    for (_, value) in given {
        let line = format!("={value}");
        assert!(!kept.lines().any(|kept| kept.ends_with(&line)), "{kept}");
    }
    let dev = Dev::start(&data, &[]).await;
    assert_ne!(dev.get("LEDGER_TOKEN"), "their ledger token");
    assert_eq!(dev.first_name(&ann).await, "ann");
}

/// It does not start, says so in one sentence with these words, and makes no cluster.
async fn refuses(data: &Path, settings: &[(&str, &str)], words: &[&str]) {
    let (code, said) = fails(data, settings).await;
    assert_eq!(code, Some(1), "{settings:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    for word in words {
        assert!(said.contains(word), "{settings:?}: {said}");
    }
    assert!(!data.join("postgres").exists(), "{said}");
    assert!(!data.join("dev.env").exists(), "{said}");
}

#[tokio::test]
async fn what_cannot_be_used_is_named_before_anything_is_made() {
    let data = directory();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let elsewhere = app_token(
        "other",
        "app",
        "demo",
        "1672369729606",
        now(),
        APP_TOKEN_LIFE,
    );
    for (name, value) in [
        ("LEDGER_LISTEN", address.as_str()),
        ("LEDGER_LISTEN", "somewhere"),
        ("LEDGER_LOG", "ledger=loudly"),
        ("LEDGER_MASTER_KEY", "short"),
        ("SHOPLINE_TOKEN", "not-a-token"),
        ("SHOPLINE_TOKEN", &elsewhere),
        ("SHOPLINE_READ_TOKEN", "not-a-token"),
        ("STORE_TIME_ZONE", "Mars/Olympus"),
        ("KAFKA_BROKERS", "nobody:here"),
        ("DATABASE_URL", "postgres://127.0.0.1:1/none"),
    ] {
        refuses(&data, &[(name, value)], &[name]).await;
    }
    let file = data.join("a file");
    fs::write(&file, "").unwrap();
    let (code, said) = fails(&file, &[]).await;
    assert_eq!((code, said.lines().count()), (Some(1), 1), "{said}");
    assert!(
        said.contains("LEDGER_DATA") && said.contains("a file"),
        "{said}"
    );
}

#[tokio::test]
async fn brokers_that_do_not_answer_are_said_to() {
    let data = directory();
    // Taken, so that nobody else answers there, and never listened to.
    let silent = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    refuses(
        &data,
        &[("KAFKA_BROKERS", &silent.to_string())],
        &["KAFKA_BROKERS", "answers"],
    )
    .await;
}

#[tokio::test]
async fn data_of_another_build_are_named_and_left_alone() {
    let data = directory();
    let cluster = data.join("postgres");
    let postgres = Postgres::start(&cluster).await.unwrap();
    let mut owner = PgConnection::connect(&postgres.url("postgres"))
        .await
        .unwrap();
    let create = sqlx::query("create database ledger").execute(&mut owner);
    create.await.unwrap();
    let url = postgres.url("ledger");
    migrate(&url).await.unwrap();
    let mut owner = PgConnection::connect(&url).await.unwrap();
    let edit = sqlx::query("update _sqlx_migrations set checksum = 'another'").execute(&mut owner);
    edit.await.unwrap();
    owner.close().await.unwrap();
    postgres.stop().await.unwrap();
    let (code, said) = fails(&data, &[]).await;
    assert_eq!((code, said.lines().count()), (Some(1), 1), "{said}");
    let place = cluster.to_str().unwrap();
    for word in ["another build", "remove that folder", "LEDGER_DATA", place] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let postgres = Postgres::start(&cluster).await.unwrap();
    let mut owner = PgConnection::connect(&postgres.url("ledger"))
        .await
        .unwrap();
    let ledgers: i64 = sqlx::query_scalar("select count(*) from ledger")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!(ledgers, 1);
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn data_in_use_are_left_alone() {
    let data = directory();
    let dev = Dev::start(&data, &[]).await;
    let before = fs::read_to_string(data.join("dev.env")).unwrap();
    let second = ledger_dev(&data, &[]).output().await.unwrap();
    let said = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.contains("LEDGER_DATA") && said.contains("in use"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(data.join("dev.env")).unwrap(), before);
    let ann = dev.create_guest("ann").await;
    assert_eq!(dev.first_name(&ann).await, "ann");
}

#[tokio::test]
async fn two_with_databases_of_their_own_never_meet_on_one_kafka() {
    let brokers = kafka::config().brokers;
    let mut devs = vec![];
    for _ in 0..2 {
        let database = empty_database().await;
        let settings = [
            ("DATABASE_URL", database.as_str()),
            ("KAFKA_BROKERS", &brokers),
        ];
        let data = directory();
        let dev = Dev::start(&data, &settings).await;
        assert!(!data.join("postgres").exists());
        assert_eq!(dev.get("DATABASE_URL"), database);
        assert_eq!(dev.get("KAFKA_BROKERS"), brokers);
        devs.push(dev);
    }
    assert_ne!(devs[0].get("KAFKA_TOPIC"), devs[1].get("KAFKA_TOPIC"));
    for (dev, count) in devs.iter().zip([1, 3]) {
        for number in 0..count {
            dev.create_guest(&format!("c{number}")).await;
        }
    }
    for (dev, count) in devs.iter().zip([1, 3]) {
        let config = KafkaConfig {
            brokers: brokers.clone(),
            prefix: dev
                .get("KAFKA_TOPIC")
                .trim_end_matches(".events")
                .to_owned(),
            embedded: false,
        };
        let messages = wait::until("all records are in the topic", async || {
            let messages = kafka::read(&config).await;
            (messages.len() >= count).then_some(messages)
        })
        .await;
        assert_eq!(messages.len(), count);
        let mut database = PgConnection::connect(dev.get("DATABASE_URL"))
            .await
            .unwrap();
        wait::until("all records are in the views", async || {
            let rows: i64 = sqlx::query_scalar("select count(*) from medusa_customers")
                .fetch_one(&mut database)
                .await
                .unwrap();
            (usize::try_from(rows).unwrap() == count).then_some(())
        })
        .await;
    }
}
