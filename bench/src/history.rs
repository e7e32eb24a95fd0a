//! How long questions to the past take: on a long stream beside a short one, and in a large ledger
//! beside a small one.
//!
//! The streams are made over HTTP, as updates are; the questions are asked of the store itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use customer_ledger::event_store::Ledger;
use customer_ledger::event_store::keys::keyring::Keyring;
use customer_ledger::history;
use customer_ledger::history::questions::{Asker, Questions};
use customer_ledger::history::{Shape, When, shape};
use events::ids::Position;
use events::record::{Actor, ActorKind};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use projections::shopline;
use rand::Rng as _;
use sqlx::PgPool;
use tokio::sync::Notify;

use crate::context::Bench;
use crate::error::Error;
use crate::flat::fill;
use crate::load::{Ask, Load, Until};
use crate::process::Server;
use crate::report::{Beside, Measured, Row, Table};
use crate::store::Store;

/// Events of the short stream and of the long one.
const STREAMS: [u64; 2] = [100, 10_000];
/// Times that each question is asked in a round.
const TIMES: usize = 50;

/// A question.
#[derive(Clone, Copy)]
enum Question {
    /// As of any position.
    Show,
    /// As of any time.
    ShowByTime,
    /// Between any two times.
    Diff,
    /// All of the document now.
    Blame,
}

impl Question {
    const ALL: [Self; 4] = [Self::Show, Self::ShowByTime, Self::Diff, Self::Blame];

    const fn title(self) -> &'static str {
        match self {
            Self::Show => "show",
            Self::ShowByTime => "show by time",
            Self::Diff => "diff",
            Self::Blame => "blame",
        }
    }

    async fn ask(
        self,
        of: &Questions<'_>,
        side: &Side,
        id: &str,
        shape: &Shape,
    ) -> Result<(), history::Error> {
        let found = of.find(id).await?;
        // The two streams were made one after the other, but for their births.
        let first = found.position.get() - found.sequence.get() + 2;
        let some = || rand::rng().random_range(first..=found.position.get());
        let (one, other) = (some(), some());
        let [from, to] =
            [one.min(other), one.max(other)].map(|at| Some(When::Position(Position::new(at))));
        match self {
            Self::Show => drop(of.show(id, to, shape).await?),
            Self::ShowByTime => drop(of.show(id, Some(side.some_time()), shape).await?),
            Self::Diff => drop(of.diff(id, from, to, shape).await?),
            Self::Blame => drop(of.blame(id, None, None, shape).await?),
        }
        Ok(())
    }
}

/// A ledger with the two streams.
struct Side {
    server: Server,
    ledger: Ledger,
    /// The customers that the streams are of.
    customers: [String; 2],
    /// When both were there, and when their last event was, in microseconds.
    lived: [i64; 2],
}

impl Side {
    async fn start(bench: &Bench<'_>, database: &str, others: u32) -> Result<Self, Error> {
        let store = Store::create(bench.postgres, database).await?;
        fill(&store, i64::from(others)).await?;
        let server = Server::start(&store, bench.dir, "api", None).await?;
        let mut load = Load::new(server.address, store.api_token.clone());
        load.create(1, 2, bench.stop).await?;
        let loads = [load.but_one(), load.of_one()].map(Arc::new);
        for (load, events) in loads.iter().zip(STREAMS) {
            let updates = Until::Answers(events - 1);
            load.run(Ask::Update, 1, updates, bench.stop).await?;
        }
        store.analyze().await?;
        store.checkpoint().await?;
        let pool = PgPool::connect(&store.url).await?;
        let customers = loads.map(|load| load.customer().to_owned());
        let (first, last) = sqlx::query_as(
            "select (extract(epoch from min(time)) * 1000000)::bigint, \
                (extract(epoch from max(time)) * 1000000)::bigint \
             from events where position > $1 + 1",
        )
        .bind(i64::from(others))
        .fetch_one(&pool)
        .await?;
        let keyring = Arc::new(Keyring::new(&store.master_key));
        let appended = Arc::new(Notify::new());
        Ok(Self {
            server,
            ledger: Ledger::open(pool.clone(), pool, keyring, "main".into(), appended),
            customers,
            lived: [first, last],
        })
    }

    /// Any time after the two were born.
    fn some_time(&self) -> When {
        let [from, until] = self.lived;
        let some = rand::rng().random_range(from..=until);
        When::Time(Timestamp::from_microsecond(some).unwrap_or_default())
    }
}

/// Measures every question on both streams, and on the long one among many others, round by round.
pub(crate) async fn run(bench: &Bench<'_>, others: u32) -> Result<Table, Error> {
    let small = Side::start(bench, "ledger_history", 0).await?;
    let large = Side::start(bench, "ledger_history_large", others).await?;
    let [short, long] = &small.customers;
    let [_, among] = &large.customers;
    let mut rows = vec![];
    for question in Question::ALL {
        let mut samples: [Vec<Measured>; 3] = Default::default();
        for _ in 0..bench.options.rounds {
            let asked = [(&small, short), (&small, long), (&large, among)];
            for (samples, (side, customer)) in samples.iter_mut().zip(asked) {
                samples.push(measure(side, question, customer).await?);
            }
        }
        let [short, long, among] = samples;
        let long_beside = Beside::cost("100 events", &long, &short);
        let among_beside = Beside::cost("the same among none", &among, &long);
        let title = question.title();
        rows.push(Row::new(format!("{title}, 100 events"), short, None));
        rows.push(Row::new(
            format!("{title}, 10000 events"),
            long,
            Some(long_beside),
        ));
        rows.push(Row::new(
            format!("{title}, 10000 events among {others} other customers"),
            among,
            Some(among_beside),
        ));
    }
    small.server.kill().await?;
    large.server.kill().await?;
    Ok(Table {
        name: "history",
        heading: "questions to the past of one customer, one after the other".to_owned(),
        rows,
    })
}

async fn measure(side: &Side, question: Question, customer: &str) -> Result<Measured, Error> {
    let actor = Actor {
        kind: ActorKind::Operator,
        id: "bench".to_owned(),
    };
    let asker = Asker {
        actor: &actor,
        request_id: None,
        reason: None,
    };
    let ledger = &side.ledger;
    let questions = Questions { ledger, asker };
    let store = shopline::Store {
        time_zone: TimeZone::UTC,
        currency: "USD".to_owned(),
    };
    let medusa = shape::Asked {
        shape: Some("medusa"),
        ..shape::Asked::default()
    };
    let wrong = |error: history::Error| Error::Wrong(error.to_string());
    let shape = Shape::parse_whole(medusa, &store).map_err(|error| wrong(error.into()))?;
    let (began, mut latencies_us) = (Instant::now(), vec![]);
    for _ in 0..TIMES {
        let start = Instant::now();
        question
            .ask(&questions, side, customer, &shape)
            .await
            .map_err(wrong)?;
        latencies_us.push(micros(start.elapsed()));
    }
    Ok(Measured::new(latencies_us, began.elapsed()))
}

fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}
