//! The access log: written before anything is shown, read by the owner, changed by nobody.

use customer_ledger::history::access_log::{self, Access, Noted, Wanted};
use devkit::http::Call;
use events::ids::StreamId;
use events::personal::{Erased, Personal};
use events::record::{Actor, ActorKind};
use hyper::Method;
use sqlx::PgPool;

use crate::support::ledger::TestLedger;
use crate::support::shop::{LEDGER_TOKEN, Shop};

fn auditor() -> Actor {
    Actor {
        kind: ActorKind::ApiKey,
        id: "auditor".to_owned(),
    }
}

/// As the service, asks about a customer.
async fn note(test: &TestLedger, stream: &StreamId, question: &str, reason: Option<&str>) {
    let access = Access {
        store: &"main".into(),
        actor: &auditor(),
        stream,
        question,
        request_id: Some(&"00f067aa0ba902b700f067aa0ba902b7".into()),
        reason,
    };
    access_log::note(&test.database.pool, &test.keyring, &access)
        .await
        .unwrap();
}

async fn listed(test: &TestLedger, stream: Option<&StreamId>) -> Vec<Noted> {
    let owner = PgPool::connect(&test.database.owner_url).await.unwrap();
    let wanted = Wanted {
        stream,
        ..Wanted::default()
    };
    access_log::list(&owner, &test.keyring, &"main".into(), wanted)
        .await
        .unwrap()
        .accesses
}

#[tokio::test]
async fn an_access_says_who_whom_what_and_why() {
    let test = TestLedger::open().await;
    let (ann, bob) = (test.create("Ann").await, test.create("Bob").await);
    note(&test, &ann, "show", Some("Ann called on Monday")).await;
    note(&test, &bob, "blame", None).await;
    let all = listed(&test, None).await;
    assert_eq!(all.len(), 2);
    assert!(all[0].time < all[1].time);
    let of_ann = listed(&test, Some(&ann)).await;
    let [access] = &of_ann[..] else {
        panic!("{of_ann:?}");
    };
    assert_eq!(
        (&*access.actor_kind, &*access.actor_id, &*access.question),
        ("api_key", "auditor", "show")
    );
    assert_eq!(access.stream, ann);
    assert_eq!(
        access.reason,
        Some("Ann called on Monday".to_owned().into())
    );
    assert_eq!(all[1].reason, None);
    // What stands in the table names nobody.
    let stored: String = sqlx::query_scalar("select string_agg(a::text, '') from access_log a")
        .fetch_one(&mut test.database.owner().await)
        .await
        .unwrap();
    assert!(!stored.contains("Monday"), "{stored}");
}

#[tokio::test]
async fn a_reason_is_erased_with_its_customer() {
    let test = TestLedger::open().await;
    let ann = test.create("Ann").await;
    note(&test, &ann, "show", Some("Ann called on Monday")).await;
    sqlx::query("delete from stream_keys")
        .execute(&mut test.database.owner().await)
        .await
        .unwrap();
    note(&test, &ann, "show", Some("Ann called again")).await;
    let all = listed(&test, None).await;
    assert_eq!(all[0].reason, Some(Personal::Erased(Erased)));
    assert_eq!(all[1].reason, None);
}

#[tokio::test]
async fn what_was_logged_stays_as_it_is() {
    let test = TestLedger::open().await;
    let ann = test.create("Ann").await;
    note(&test, &ann, "show", None).await;
    for change in [
        "update access_log set question = 'nothing'",
        "delete from access_log",
        "truncate access_log",
    ] {
        let by_service = sqlx::query(change).execute(&test.database.pool).await;
        assert!(by_service.is_err(), "the service: {change}");
        let by_owner = sqlx::query(change)
            .execute(&mut test.database.owner().await)
            .await;
        assert!(by_owner.is_err(), "the owner: {change}");
    }
    // Nor may the service say when it was, or who the others were.
    for sql in [
        "select 1 from access_log",
        "insert into access_log (time, store, actor_kind, actor_id, stream, question) \
         values (now(), 'main', 'person', 'x', 'x', 'x')",
    ] {
        let by_service = sqlx::query(sql).execute(&test.database.pool).await;
        assert!(by_service.is_err(), "{sql}");
    }
    assert_eq!(listed(&test, None).await.len(), 1);
}

#[tokio::test]
async fn what_is_cut_off_is_said_and_can_be_reached() {
    let shop = Shop::open().await;
    sqlx::query(
        "insert into access_log (time, store, actor_kind, actor_id, stream, question) \
         select '2026-01-01T00:00:00Z'::timestamptz + n * interval '1 second', \
            'main', 'person', 'x', 'x', 'number ' || n \
         from generate_series(1, 10001) n",
    )
    .execute(&mut shop.database.owner().await)
    .await
    .unwrap();
    let (code, out, err) = shop.run(&["access-log"], "").await;
    assert_eq!((code, out.lines().count()), (0, 10_000));
    assert!(out.lines().next().unwrap().contains("number 2\t"));
    assert!(err.contains("--until 2026-01-01T00:00:02Z lists"), "{err}");
    let until = ["access-log", "--until", "2026-01-01T00:00:02Z"];
    let (code, out, err) = shop.run(&until, "").await;
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        out.contains("number 1\t") && out.lines().count() == 2,
        "{out}"
    );
}

#[tokio::test]
async fn what_cannot_be_logged_is_not_shown() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("gustav@example.com").await;
    let predicate = "$[?@.email=='gustav@example.com']";
    let ask = async |path: &str| {
        let token = format!("Bearer {LEDGER_TOKEN}");
        let call = Call::new(Method::GET, &server.base, path);
        call.header("authorization", &token).send().await
    };
    let document = format!("/ledger/customers/{}?shape=medusa", known.stream);
    assert_eq!(ask(&document).await.status, 200);
    sqlx::query("alter table access_log rename to mislaid")
        .execute(&mut shop.database.owner().await)
        .await
        .unwrap();
    let answer = ask(&document).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(!answer.body.contains("gustav"), "{}", answer.body);
    for question in [
        &["show", &known.stream][..],
        &["log", &known.stream, "--open"],
        &["diff", &known.stream],
        &["blame", &known.stream],
        &["bisect", &known.stream, predicate],
        &["bisect", "all", "--against", env!("CARGO_BIN_EXE_ledger")],
        &["replay", &known.stream],
        &["fixture", &known.stream, "--open"],
        &["fixture", &known.stream, "--redact"],
    ] {
        let (code, out, err) = shop.run(question, "").await;
        assert_eq!((code, out.as_str()), (1, ""), "{question:?}: {err}");
    }
}
