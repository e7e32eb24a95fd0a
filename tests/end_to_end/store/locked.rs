//! A lock that is not given back fails those who wait for it once, not in one part after the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use customer_ledger::event_store::append::combiner::Combiner;
use customer_ledger::event_store::appender::{Append, ExpectedStream};
use customer_ledger::event_store::cache::tail::OwnAppends;
use events::record::StreamKind;
use futures_util::future::join_all;
use sqlx::Connection as _;
use sqlx::postgres::PgPoolOptions;

use crate::support::postgres::database;

#[tokio::test]
async fn a_batch_behind_a_lock_fails_at_once_and_as_a_whole() {
    let database = database().await;
    let options = database.app().options([("lock_timeout", "1s")]);
    let writers = PgPoolOptions::new().connect_lazy_with(options);
    let combiner = Combiner::start(
        writers,
        "main".to_owned(),
        Arc::default(),
        Arc::default(),
        OwnAppends::new().0,
    );
    let mut owner = database.owner().await;
    let mut locked = owner.begin().await.unwrap();
    sqlx::query("lock table events in access exclusive mode")
        .execute(&mut *locked)
        .await
        .unwrap();
    let began = Instant::now();
    let verdicts = join_all((0..32).map(|number| {
        let stream = ExpectedStream {
            kind: StreamKind::Customer,
            stream: number.to_string(),
            sequence: 0,
        };
        combiner.append(Append {
            streams: vec![stream],
            ..Append::default()
        })
    }))
    .await;
    assert!(verdicts.iter().all(Result::is_err));
    // Two calls at most; in parts it would be more than sixty.
    assert!(began.elapsed() < Duration::from_secs(20));
}
