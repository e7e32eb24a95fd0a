//! Settings: one that is missing or wrong is named in one sentence, and a secret is never printed.

use std::fs;
use std::net::TcpListener;
use std::process::Output;

use customer_ledger::database::migrate::migrate;
use devkit::http::Call;
use devkit::postgres::Postgres;
use hyper::Method;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use crate::support::postgres::{Database, directory, empty_database, ordinary_database};
use crate::support::shop::{API_TOKEN, LEDGER_TOKEN, Shop};

const ALL: &str = "api,relay,projector";

/// Every setting there is.
const SETTINGS: [&str; 28] = [
    "LEDGER_CONFIG",
    "LEDGER_LISTEN",
    "HTTP_CONNECTIONS_MAX",
    "HTTP_IDLE_SECONDS",
    "LEDGER_DATA",
    "TRUSTED_PROXIES",
    "LEDGER_LOG",
    "LEDGER_STORE",
    "LEDGER_MASTER_KEY",
    "LEDGER_TOKEN",
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "DATABASE_ROLE",
    "KAFKA_BROKERS",
    "KAFKA_PREFIX",
    "STORE_TIME_ZONE",
    "STORE_CURRENCY",
    "MEDUSA_ADMIN_CORS",
    "MEDUSA_API_TOKEN",
    "MEDUSA_ADMIN_EMAIL",
    "MEDUSA_ADMIN_PASSWORD",
    "MEDUSA_JWT_SECRET",
    "SHOPLINE_HANDLE",
    "SHOPLINE_STORE_ID",
    "SHOPLINE_JWT_SECRET",
    "SHOPLINE_APP_SECRET",
    "SHOPLINE_TOKEN",
    "SHOPLINE_READ_TOKEN",
];

/// Asserts that a process ended with one sentence that has these words, and not the database's
/// password or the value of a secret.
#[track_caller]
fn says(shop: &Shop, (code, said): (i32, String), words: &[&str]) {
    assert_eq!(code, 1, "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
    let url = &shop.database.owner_url;
    let password = url.split([':', '@']).nth(2).unwrap();
    for secret in [password, &hex::encode([7; 32]), "a secret of the tests"] {
        assert!(!said.contains(secret), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_or_wrong_setting_is_named() {
    let shop = Shop::open().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (name, value, words) in [
        ("DATABASE_URL", "", "not set"),
        ("DATABASE_URL", "no url", "Postgres URL"),
        ("LEDGER_MASTER_KEY", "", "not set"),
        ("LEDGER_MASTER_KEY", "xyz", "64 hexadecimal digits"),
        ("SHOPLINE_JWT_SECRET", "", "not set"),
        ("KAFKA_BROKERS", "", "not set"),
        ("KAFKA_BROKERS", "localhost:kafka", "host:port"),
        ("KAFKA_PREFIX", "with space", "letters"),
        ("LEDGER_LISTEN", "here", "address and a port"),
        ("LEDGER_LISTEN", &taken, "in use"),
        ("LEDGER_LOG", "ledger=loudly", "level"),
        ("LEDGER_CONFIG", "/nowhere/at/all", "cannot be read"),
        ("STORE_TIME_ZONE", "Mars/Olympus", "IANA time zone"),
        ("STORE_CURRENCY", "dollars", "capital letters"),
        ("DATABASE_ROLE", "", "may change recorded events"),
        ("DATABASE_ROLE", "nobody_at_all", "nobody_at_all"),
    ] {
        says(
            &shop,
            shop.fails(ALL, &[(name, value)]).await,
            &[name, words],
        );
    }
    for roles in ["relay", "projector", "api,projector"] {
        says(
            &shop,
            shop.fails(roles, &[("KAFKA_BROKERS", "")]).await,
            &["KAFKA_BROKERS"],
        );
    }
    drop(shop.serve_with("api", &[("KAFKA_BROKERS", "")]).await);
    let file = directory().join("ledger.env");
    fs::write(&file, "# A shop\n\nLEDGER_STORE=main\nLEDGER_STOR=two\n").unwrap();
    let said = shop
        .fails(ALL, &[("LEDGER_CONFIG", file.to_str().unwrap())])
        .await;
    says(&shop, said, &["line 4", "LEDGER_CONFIG"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_will_not_do_is_described() {
    let shop = Shop::open().await;
    let url = &shop.database.owner_url;
    let (login, rest) = url.rsplit_once('@').unwrap();
    let (address, database) = rest.split_once('/').unwrap();
    let (user, _) = login.rsplit_once(':').unwrap();
    for (url, words) in [
        (
            format!("{user}:wrong@{address}/{database}"),
            "password authentication failed",
        ),
        (format!("{login}@{address}/nothing"), "does not exist"),
        (format!("{login}@127.0.0.1:1/{database}"), "refused"),
        (
            format!("{login}@nobody.invalid/{database}"),
            "cannot be reached",
        ),
        (empty_database().await, "ledger migrate"),
    ] {
        let settings = [("DATABASE_URL", url.as_str())];
        says(
            &shop,
            shop.fails(ALL, &settings).await,
            &["DATABASE_URL", words],
        );
    }
    // The first process to start fixes the key.
    drop(shop.serve("api").await);
    let other = [("LEDGER_MASTER_KEY", "ab".repeat(32))];
    let other = other
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    says(&shop, shop.fails(ALL, &other).await, &["LEDGER_MASTER_KEY"]);
}

/// `fsync` itself is not tried: the launcher of the private server keeps it on from the command line,
/// which `alter system` does not overrule.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_may_lose_what_it_confirmed_is_refused() {
    let postgres = Postgres::start(&directory().join("postgres"))
        .await
        .unwrap();
    let url = postgres.url("postgres");
    migrate(&url).await.unwrap();
    let mut shop = Shop::open().await;
    shop.database = Database::at(&url);
    let mut admin = PgConnection::connect(&url).await.unwrap();
    for sql in [
        "alter system set synchronous_commit = off",
        "select pg_reload_conf()",
    ] {
        sqlx::query(sql).execute(&mut admin).await.unwrap();
    }
    let words = ["DATABASE_URL", "synchronous_commit=off"];
    says(&shop, shop.fails(ALL, &[]).await, &words);
    let migrates = shop.command(&["migrate"], &[]).output().await.unwrap();
    says(&shop, outcome(&migrates), &words);
    admin.close().await.unwrap();
    postgres.stop().await.unwrap();
}

#[track_caller]
fn outcome(output: &Output) -> (i32, String) {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    (output.status.code().unwrap(), said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_explains_itself() {
    let shop = Shop::open().await;
    let (code, said) = shop.fails("nonsense", &[]).await;
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("api, relay or projector"), "{said}");
    let help = shop.command(&["--help"], &[]).output().await.unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for name in SETTINGS {
        assert!(help.contains(&format!("\n  {name} ")), "{name}: {help}");
    }
    let listed = help
        .lines()
        .skip_while(|line| !line.starts_with("Settings"));
    assert_eq!(listed.count(), SETTINGS.len() + 1, "{help}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrating_twice_or_two_at_once_is_fine() {
    let shop = Shop::open().await;
    let url = empty_database().await;
    let settings = [("DATABASE_OWNER_URL", url.as_str())];
    let migrates = || async {
        shop.command(&["migrate"], &settings)
            .output()
            .await
            .unwrap()
    };
    let (first, second) = tokio::join!(migrates(), migrates());
    for output in [first, second, migrates().await] {
        let (code, said) = outcome(&output);
        assert_eq!(code, 0, "{said}");
    }
    drop(shop.serve_with("api", &[("DATABASE_URL", &url)]).await);
    let nowhere = [("DATABASE_OWNER_URL", "postgres://127.0.0.1:1/none")];
    let output = shop.command(&["migrate"], &nowhere).output().await.unwrap();
    says(&shop, outcome(&output), &["DATABASE_OWNER_URL", "refused"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_only_owns_the_database_can_migrate_and_serve() {
    let shop = Shop::open().await;
    let url = ordinary_database().await;
    let settings = [("DATABASE_URL", url.as_str())];
    let output = shop.command(&["migrate"], &settings).output().await;
    let (code, said) = outcome(&output.unwrap());
    assert_eq!(code, 0, "{said}");
    drop(shop.serve_with("api", &settings).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_were_made_open_the_door() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let token = async |arguments: &[&str]| {
        let arguments = [&["token"], arguments].concat();
        let output = shop.command(&arguments, &[]).output().await.unwrap();
        assert_eq!(outcome(&output), (0, String::new()));
        let token = String::from_utf8(output.stdout).unwrap();
        assert_eq!(token.lines().count(), 1);
        token.trim().to_owned()
    };
    let guest = server.create_guest("g@example.com").await;
    let id = guest["id"].as_str().unwrap();
    let ledger = token(&["ledger", "--name", "eve", "--scopes", "ledger:read"]).await;
    let ids = Call::new(
        Method::GET,
        &server.base,
        &format!("/ledger/customers/{id}"),
    )
    .header("authorization", &format!("Bearer {ledger}"))
    .send()
    .await;
    let shopline = ids.ok()["ids"]["shopline"].as_str().unwrap().to_owned();
    let path = format!("/admin/openapi/v20220901/customers/{shopline}.json");
    for (app, scopes, status) in [
        ("writes", "read_customers,write_customers", 200),
        ("reads", "read_customers", 403),
    ] {
        let add = ["app", "add", "--key", app, "--scopes", scopes];
        let (code, _, said) = shop.run(&add, "").await;
        assert_eq!(code, 0, "{said}");
        let token = token(&["shopline", "--app", app]).await;
        let put = Call::new(Method::PUT, &server.base, &path)
            .header("authorization", &format!("Bearer {token}"))
            .json(&json!({ "customer": { "first_name": app } }))
            .send()
            .await;
        assert_eq!(put.status, status, "{}", put.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_is_made_that_would_open_nothing() {
    let shop = Shop::open().await;
    drop(shop.serve("api").await);
    let key = "ab".repeat(32);
    let empty = empty_database().await;
    for (name, value, words) in [
        ("LEDGER_MASTER_KEY", key.as_str(), "does not open"),
        ("LEDGER_MASTER_KEY", "", "not set"),
        ("SHOPLINE_JWT_SECRET", "", "not set"),
        ("DATABASE_URL", "", "not set"),
        ("DATABASE_URL", "postgres://127.0.0.1:1/none", "refused"),
        ("DATABASE_URL", &empty, "ledger migrate"),
    ] {
        let arguments = ["token", "shopline", "--app", "app"];
        let output = shop
            .command(&arguments, &[(name, value)])
            .output()
            .await
            .unwrap();
        says(&shop, outcome(&output), &[name, words]);
        assert!(output.stdout.is_empty(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_most_talkative_log_holds_no_secret() {
    let shop = Shop::open().await;
    let settings = [("LEDGER_LOG", "trace")];
    let server = shop.serve_with(ALL, &settings).await;
    let guest = server.create_guest("ann@example.com").await;
    let id = guest["id"].as_str().unwrap();
    let ids = server.ids(id).await.ok();
    let shopline = ids["ids"]["shopline"].as_str().unwrap();
    server
        .put(shopline, &json!({ "first_name": "Ann" }))
        .await
        .ok();
    let path = format!("/admin/customers/{id}");
    let update = json!({ "password": "a-password-of-ann" });
    server
        .medusa(Method::POST, &path)
        .json(&update)
        .send()
        .await
        .ok();
    for name in ["x-medusa-access-token", "authorization"] {
        let call = Call::new(Method::GET, &server.base, &path).header(name, "Bearer not-a-token");
        assert_eq!(call.send().await.status, 401);
    }
    let log = server.log.lock().unwrap().clone();
    assert!(log.contains("TRACE"), "it says a lot");
    let url = &shop.database.owner_url;
    let password = url.split([':', '@']).nth(2).unwrap();
    for secret in [
        API_TOKEN,
        LEDGER_TOKEN,
        &shop.shopline_token,
        "not-a-token",
        "a-password-of-ann",
        "ann@example.com",
        "a secret of the tests",
        &hex::encode([7; 32]),
        password,
    ] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None);
    }
}
