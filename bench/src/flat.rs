//! Whether an update costs the same on a long stream, and in a large table, as on a short stream in a
//! small one. The sides take turns.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::context::{Bench, CONNECTIONS_MANY, WARM_UP};
use crate::error::Error;
use crate::load::{Ask, Load, Until};
use crate::process::Server;
use crate::report::{Beside, Row, Table};
use crate::store::Store;

/// Customers that updates are about.
const CUSTOMERS: u64 = 1000;
/// Events of the long stream.
const LONG: u64 = 10_000;

/// A large ledger's tables, filled in bulk: other people's rows, which no request opens.
const FILL: [&str; 4] = [
    "insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, \
        payload, metadata, position, store, time) \
     select 'Customer', 'FILLER' || lpad(n::text, 20, '0'), 1, 'CustomerCreated', '1.1.0', \
        json_build_object('event', 'CustomerCreated', 'filler', repeat(md5(n::text), 10)), \
        '{}', n, 'main', '2020-01-01'::timestamptz + n * interval '1 second' \
     from generate_series(1, $1) n",
    "insert into claims (store, kind, key, holder) \
     select 'main', kind, sha256((kind || n)::bytea), 'FILLER' || lpad(n::text, 20, '0') \
     from generate_series(1, $1) n, \
        unnest(array['medusa_id', 'shopline_id', 'email_account']) kind",
    "insert into marks (store, kind, key, holder) \
     select 'main', 'email', sha256(n::text::bytea), 'FILLER' || lpad(n::text, 20, '0') \
     from generate_series(1, $1) n",
    "insert into stream_keys (stream, number, wrapped) \
     select 'FILLER' || lpad(n::text, 20, '0'), 1, sha256(n::text::bytea) || sha256(n::text::bytea) \
     from generate_series(1, $1) n",
];

/// One ledger and what is asked of it.
struct Side {
    server: Server,
    load: Arc<Load>,
}

impl Side {
    async fn start(bench: &Bench<'_>, database: &str, filler: i64) -> Result<Self, Error> {
        let store = Store::create(bench.postgres, database).await?;
        fill(&store, filler).await?;
        let server = Server::start(&store, bench.dir, "api", None).await?;
        let mut load = Load::new(server.address, store.api_token.clone());
        load.create(CONNECTIONS_MANY, CUSTOMERS, bench.stop).await?;
        store.analyze().await?;
        store.checkpoint().await?;
        Ok(Self {
            server,
            load: Arc::new(load),
        })
    }
}

/// Adds so many customers in bulk, whom no request is about.
pub(crate) async fn fill(store: &Store, rows: i64) -> Result<(), Error> {
    let mut owner = store.connect().await?;
    for sql in FILL {
        sqlx::query(sql).bind(rows).execute(&mut *owner).await?;
    }
    Ok(())
}

/// Measures all three, round by round, over one connection.
pub(crate) async fn run(bench: &Bench<'_>, table: u32) -> Result<Table, Error> {
    let small = Side::start(bench, "ledger_small", 0).await?;
    let large = Side::start(bench, "ledger_large", i64::from(table)).await?;
    let long = Arc::new(small.load.of_one());
    long.run(Ask::Update, 1, Until::Answers(LONG), bench.stop)
        .await?;
    let time = Duration::from_secs(bench.options.seconds);
    let mut samples = [vec![], vec![], vec![]];
    for _ in 0..bench.options.rounds {
        for (samples, load) in samples.iter_mut().zip([&small.load, &long, &large.load]) {
            samples.push(measure(load, time, bench.stop).await?);
        }
    }
    small.server.kill().await?;
    large.server.kill().await?;
    let [small, long, large] = samples;
    let beside = |samples: &[_]| Beside::cost("a short stream in a small table", samples, &small);
    let (long_beside, large_beside) = (beside(&long), beside(&large));
    let rows = vec![
        Row::new("a short stream in a small table", small, None),
        Row::new("a stream of 10000 events", long, Some(long_beside)),
        Row::new(
            format!("a table of {table} customers"),
            large,
            Some(large_beside),
        ),
    ];
    Ok(Table {
        name: "flat",
        heading: "updates over one connection".to_owned(),
        rows,
    })
}

async fn measure(
    load: &Arc<Load>,
    time: Duration,
    stop: &CancellationToken,
) -> Result<crate::report::Measured, Error> {
    load.run(Ask::Update, 1, Until::Time(WARM_UP), stop).await?;
    load.run(Ask::Update, 1, Until::Time(time), stop).await
}
