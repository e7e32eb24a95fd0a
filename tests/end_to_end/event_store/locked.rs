//! A lock that is not given back fails those who wait for it once, not in one part after the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use customer_ledger::event_store::StoreError;
use customer_ledger::event_store::append::Append;
use customer_ledger::event_store::append::combiner::Combiner;
use customer_ledger::event_store::cache::tail::OwnAppends;
use customer_ledger::event_store::point::ExpectedStream;
use devkit::wait::until;
use events::ids::Sequence;
use events::record::StreamKind;
use futures_util::future::join_all;
use sqlx::Connection as _;
use sqlx::postgres::PgPoolOptions;

use crate::support::postgres::{Database, database};

/// A combiner over connections that wait for a lock so long.
fn combiner(database: &Database, lock_timeout: &str) -> Combiner {
    let options = database.app().options([("lock_timeout", lock_timeout)]);
    let writers = PgPoolOptions::new().connect_lazy_with(options);
    Combiner::start(
        writers,
        "main".into(),
        Arc::default(),
        Arc::default(),
        OwnAppends::new().0,
    )
}

/// A command that expects that a stream is not there.
fn on_stream(number: u32) -> Append {
    Append {
        streams: vec![ExpectedStream {
            kind: StreamKind::Customer,
            stream: number.to_string().into(),
            sequence: Sequence::START,
        }],
        ..Append::default()
    }
}

#[tokio::test]
async fn a_batch_behind_a_lock_fails_at_once_and_as_a_whole() {
    let database = database().await;
    let combiner = combiner(&database, "1s");
    let mut owner = database.owner().await;
    let mut locked = owner.begin().await.unwrap();
    sqlx::query("lock table events in access exclusive mode")
        .execute(&mut *locked)
        .await
        .unwrap();
    let began = Instant::now();
    let verdicts = join_all((0..32).map(|number| combiner.append(on_stream(number)))).await;
    let is_unavailable = |verdict: &_| matches!(verdict, Err(StoreError::Unavailable(_)));
    assert!(verdicts.iter().all(is_unavailable));
    // Two calls at most; in parts it would be more than sixty.
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn whether_a_call_stands_whose_session_ended_is_unknown() {
    let database = database().await;
    let combiner = combiner(&database, "60s");
    let (mut owner, mut other) = (database.owner().await, database.owner().await);
    let mut locked = owner.begin().await.unwrap();
    sqlx::query("lock table events in access exclusive mode")
        .execute(&mut *locked)
        .await
        .unwrap();
    let ended = until("the call waits for the lock and is ended", async || {
        let ended: Vec<bool> = sqlx::query_scalar(
            "select pg_terminate_backend(pid) from pg_locks \
             where relation = 'events'::regclass and not granted",
        )
        .fetch_all(&mut other)
        .await
        .unwrap();
        (!ended.is_empty()).then_some(())
    });
    let (verdict, ()) = tokio::join!(combiner.append(on_stream(0)), ended);
    assert!(matches!(verdict, Err(StoreError::Unknown(_))));
}
