//! How fast views are made anew, beside how fast Postgres hands out the same events, and what whoever
//! asks meanwhile notices of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use customer_ledger::event_store::keys::keyring::Keyring;
use customer_ledger::event_store::keys::seal::{SealContext, StreamKey};
use customer_ledger::kafka::projector::Projection;
use customer_ledger::rebuild::{Rebuild, Switched};
use events::ids::{Sequence, StreamId};
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use rand::Rng as _;
use serde_json::json;
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

use crate::context::{Bench, CATCH_UP_MAX};
use crate::error::Error;
use crate::load::{Ask, Load, Until};
use crate::process::Server;
use crate::report::{Beside, Measured, Row, Table};
use crate::store::Store;

/// The store's name is the setting's default.
const STORE: &str = "main";
/// Events of a customer, on average.
const EVENTS_EACH: u32 = 10;
/// When the first event was, in seconds.
const FIRST: i64 = 1_600_000_000;
/// Bytes that are written at a time.
const BATCH_BYTES: usize = 8 << 20;
const COPY_EVENTS: &str = "copy events (aggregate_type, aggregate_id, sequence, event_type, \
    event_version, payload, metadata, position, store, time) from stdin";
/// Customers that are updated and read meanwhile.
const CUSTOMERS: u64 = 1000;
/// How often, of each.
const PER_SECOND: f64 = 500.0;
/// How often one of them is updated and at once read back.
const READ_BACK_PER_SECOND: f64 = 50.0;
/// Connections of each.
const CONNECTIONS: usize = 4;
/// How long one sample of these takes.
const SAMPLE: Duration = Duration::from_secs(1);

/// Measures both views, then one of them beside a load.
pub(crate) async fn run(
    bench: &Bench<'_>,
    events: u32,
    brokers: Option<&str>,
) -> Result<Vec<Table>, Error> {
    let store = Store::create(bench.postgres, "ledger_rebuild").await?;
    fill(&store, events).await?;
    store.analyze().await?;
    let alone = alone(bench, &store, events).await?;
    let loaded = loaded(bench, &store, events, brokers).await?;
    Ok(vec![alone, loaded])
}

async fn alone(bench: &Bench<'_>, store: &Store, events: u32) -> Result<Table, Error> {
    let (mut copied, mut folded, mut locked) = (vec![], vec![], vec![]);
    let mut rebuilt = Projection::ALL.map(|_| vec![]);
    for _ in 0..bench.options.rounds {
        store.checkpoint().await?;
        copied.push(rate(events, copy(store).await?));
        for (projection, rebuilt) in Projection::ALL.into_iter().zip(&mut rebuilt) {
            store.checkpoint().await?;
            let start = Instant::now();
            let switched = rebuild(store, projection).await?;
            rebuilt.push(rate(events, start.elapsed()));
            folded.push(rate(events, switched.folded_in));
            locked.push(once(switched.locked_for));
        }
    }
    let row = |what: &str, samples: Vec<Measured>| {
        let beside = Beside::rate("COPY", &samples, &copied);
        Row::new(what, samples, Some(beside))
    };
    let mut rows = vec![row("events into tables, before indexes", folded)];
    for (projection, rebuilt) in Projection::ALL.into_iter().zip(rebuilt) {
        rows.push(row(&format!("all of {}", projection.name()), rebuilt));
    }
    rows.push(Row::new(
        "COPY (select * from events) TO STDOUT",
        copied,
        None,
    ));
    rows.push(Row::new("live tables locked", locked, None));
    Ok(Table {
        name: "rebuild",
        heading: format!(
            "rebuild from {events} events of {} customers: births, then names",
            events / EVENTS_EACH
        ),
        rows,
    })
}

/// Rebuilds while customers are updated and read. An answer that is not 200 ends the benchmark, and so
/// does a read that shows less than was answered before.
async fn loaded(
    bench: &Bench<'_>,
    store: &Store,
    events: u32,
    brokers: Option<&str>,
) -> Result<Table, Error> {
    let roles = if brokers.is_some() {
        "api,relay,projector"
    } else {
        "api"
    };
    let server = Server::start(store, bench.dir, roles, brokers).await?;
    let mut load = Load::new(server.address, store.api_token.clone());
    load.create(CONNECTIONS, CUSTOMERS, bench.stop).await?;
    if brokers.is_some() {
        store.catch_up(CATCH_UP_MAX).await?;
    }
    let read_back = load.at_most(READ_BACK_PER_SECOND);
    let load = Arc::new(load.but_one().at_most(PER_SECOND));
    let ended = CancellationToken::new();
    let ask = async |ask| {
        let mut samples = vec![];
        while !ended.is_cancelled() {
            let until = Until::Time(SAMPLE);
            samples.push(load.run(ask, CONNECTIONS, until, bench.stop).await?);
        }
        Ok::<_, Error>(samples)
    };
    let start = Instant::now();
    let rebuilt = async {
        let switched = rebuild(store, Projection::Medusa).await;
        ended.cancel();
        Ok((switched?, start.elapsed()))
    };
    let (updates, reads, read_back, (switched, took)) = tokio::try_join!(
        ask(Ask::Update),
        ask(Ask::Read),
        read_back.read_back(&ended),
        rebuilt
    )?;
    server.kill().await?;
    Ok(Table {
        name: "rebuild_under_load",
        heading: format!(
            "the same of medusa, while customers are updated and read, --roles {roles}"
        ),
        rows: vec![
            Row::new("all of medusa", vec![rate(events, took)], None),
            Row::new("live tables locked", vec![once(switched.locked_for)], None),
            Row::new("updates meanwhile", updates, None),
            Row::new("reads by id meanwhile", reads, None),
            Row::new("each shows the update just answered", vec![read_back], None),
        ],
    })
}

async fn rebuild(store: &Store, projection: Projection) -> Result<Switched, Error> {
    let keyring = Arc::new(Keyring::new(&store.master_key));
    let options = store.options()?;
    // Whatever the topic is called: nothing is compared with what it holds.
    let rebuild = Rebuild::begin(options, keyring, String::new(), projection).await?;
    let switched = rebuild.switch(async |_differing| Ok(())).await?;
    Ok(switched)
}

/// How long Postgres takes to hand out all events.
async fn copy(store: &Store) -> Result<Duration, Error> {
    let mut connection = store.connect().await?;
    let start = Instant::now();
    let copy = "copy (select * from events) to stdout";
    let mut rows = connection.copy_out_raw(copy).await?;
    while rows.try_next().await?.is_some() {}
    Ok(start.elapsed())
}

/// Fills the store in bulk: every customer's birth, then changes of names, of random customers.
async fn fill(store: &Store, events: u32) -> Result<(), Error> {
    let keyring = Keyring::new(&store.master_key);
    let mut customers: Vec<Customer> = (0..events / EVENTS_EACH)
        .map(|_| Customer::new(&keyring))
        .collect();
    let mut owner = store.connect().await?;
    let keys: String = customers.iter().map(Customer::key_row).collect();
    copy_in(&mut owner, "copy stream_keys from stdin", &keys).await?;
    let mut rows = String::new();
    for position in 1..=events {
        let born = usize::try_from(position - 1).unwrap_or(usize::MAX);
        let chosen = if born < customers.len() {
            born
        } else {
            rand::rng().random_range(..customers.len())
        };
        let customer = customers.get_mut(chosen).expect("it is below the length");
        rows += &customer.next(position);
        if rows.len() >= BATCH_BYTES || position == events {
            copy_in(&mut owner, COPY_EVENTS, &rows).await?;
            rows.clear();
        }
    }
    Ok(())
}

async fn copy_in(owner: &mut PgConnection, copy: &str, rows: &str) -> Result<(), Error> {
    let mut writer = owner.copy_in_raw(copy).await?;
    writer.send(rows.as_bytes()).await?;
    writer.finish().await?;
    Ok(())
}

/// One whose events are made.
struct Customer {
    stream: StreamId,
    key: StreamKey,
    wrapped: Vec<u8>,
    sequence: Sequence,
}

impl Customer {
    fn new(keyring: &Keyring) -> Self {
        let stream = StreamId::new(ulid::Ulid::new().to_string());
        let (key, wrapped) = keyring.new_stream_key(&stream);
        Self {
            stream,
            key,
            wrapped,
            sequence: Sequence::START,
        }
    }

    fn key_row(&self) -> String {
        format!("{}\t1\t\\\\x{}\n", self.stream, hex::encode(&self.wrapped))
    }

    /// The row of its next event.
    fn next(&mut self, position: u32) -> String {
        self.sequence = self.sequence.next();
        let stream = &self.stream;
        let name = format!("Ann {position:012}");
        let (event_type, mut payload) = if self.sequence == Sequence::FIRST {
            let born = json!({
                "event": "CustomerCreated",
                "ids": { "medusa": format!("cus_{stream}"), "shopline": position.to_string() },
                "email": { "$open": format!("ann.{position}@example.com") },
                "first_name": { "$open": name }, "last_name": { "$open": "Lee" },
                "has_account": false, "state": "not_invited", "verified_email": false,
                "email_subscription": "never", "mobile_subscription": "never",
            });
            ("CustomerCreated", born)
        } else {
            let named = json!({ "event": "CustomerUpdated", "first_name": { "$open": name } });
            ("CustomerUpdated", named)
        };
        let place = SealContext {
            store: &STORE.into(),
            stream,
            sequence: self.sequence,
        };
        self.key.seal_payload(place, &mut payload);
        let metadata = json!({
            "actor_kind": "person", "actor_id": "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "contract": "medusa", "route": "POST /admin/customers/{id}",
            "request_id": format!("{:032x}", rand::random::<u128>()),
        });
        // A second from one to the next. No text here has anything that COPY would take for its own.
        format!(
            "Customer\t{stream}\t{}\t{event_type}\t1.1.0\t{payload}\t{metadata}\t{position}\t{STORE}\t{}\n",
            self.sequence,
            Timestamp::from_second(FIRST + i64::from(position)).unwrap_or_default(),
        )
    }
}

fn rate(events: u32, elapsed: Duration) -> Measured {
    Measured::sampled(vec![], f64::from(events) / elapsed.as_secs_f64(), elapsed)
}

fn once(time: Duration) -> Measured {
    Measured::new(
        vec![u32::try_from(time.as_micros()).unwrap_or(u32::MAX)],
        time,
    )
}
