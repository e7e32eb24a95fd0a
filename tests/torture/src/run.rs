//! One run: load and faults together, then quiet, then evidence and judgement.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use customer_ledger::event_store::keys::keyring::Keyring;
use customer_ledger::kafka::projector::{Projection, watermark};
use customer_ledger::telemetry::chain;
use events::ids::Position;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, PgPool};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::checker::{self, Evidence, Ran};
use crate::client::{Call, Reply};
use crate::cluster::{Cluster, TOPIC};
use crate::control::Control;
use crate::journal::Journal;
use crate::load::Load;
use crate::nemesis::Nemesis;
use crate::plan::Step;
use crate::report::Report;
use crate::{Error, say, store, topic};

/// Groups that customers are put in.
const GROUPS: usize = 3;
/// How long relay and projectors may take for the rest, once all is mended: a transaction that was left
/// open in Kafka ends after half a minute.
const CAUGHT_UP_MAX: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(50);

/// What is run.
pub(crate) struct Case {
    /// What everything is drawn from.
    pub(crate) seed: u64,
    /// How long the load runs.
    pub(crate) length: Duration,
    /// The faults.
    pub(crate) steps: Vec<Step>,
    /// The ledger.
    pub(crate) program: PathBuf,
    /// Takes a guard away from the database.
    pub(crate) sql: String,
    /// Further settings of every process.
    pub(crate) settings: Vec<(&'static str, String)>,
}

/// Runs and judges. All that it started has ended when it returns, also when it is stopped.
pub(crate) async fn run(case: &Case, stop: &CancellationToken) -> Result<Report, Error> {
    let started = tokio::select! {
        started = Cluster::start(&case.program, &case.sql, &case.settings) => started,
        () = stop.cancelled() => Err(Error::Interrupted),
    };
    let mut cluster = started?;
    let evidence = tokio::select! {
        evidence = gather(case, &mut cluster) => evidence,
        () = stop.cancelled() => Err(Error::Interrupted),
    };
    if let Err(error) = &evidence
        && !matches!(error, Error::Interrupted)
    {
        say(&cluster.logs());
    }
    cluster.stop().await?;
    let evidence = evidence?;
    let verdicts = checker::judge(&evidence);
    let program = case.program.display().to_string();
    Ok(Report::new(case.seed, program, &evidence, verdicts))
}

async fn gather(case: &Case, cluster: &mut Cluster) -> Result<Evidence, Error> {
    let journal = Arc::new(Journal::begin());
    let groups = groups(cluster).await?;
    let load = Load::new(
        cluster.doors(),
        cluster.keys.clone(),
        Arc::clone(&journal),
        groups,
    );
    let load = Arc::new(load);
    let control = Control::start(cluster.control()?, Arc::clone(&journal));
    let begin = journal.now();
    let running = tokio::spawn(Arc::clone(&load).run(case.seed));
    // A load that is dropped with this run ends, too.
    let _guard = load.stop.clone().drop_guard();
    let history = Nemesis::new(cluster, &journal, begin)
        .run(&case.steps)
        .await?;
    tokio::time::sleep_until(journal.at(begin + case.length)).await;
    let end = journal.now();
    load.stop.cancel();
    drop(running.await);
    let waits = control.waits();
    drop(control);
    let caught_up = catch_up(cluster).await?;
    let mut random = StdRng::seed_from_u64(case.seed);
    for known in load.last() {
        load.read(&mut random, &known).await;
    }
    let ran = Ran {
        load: (begin, end),
        history,
        waits,
        caught_up,
    };
    collect(cluster, &journal, ran).await
}

/// What is there in the end.
async fn collect(cluster: &Cluster, journal: &Journal, ran: Ran) -> Result<Evidence, Error> {
    let mut connection = cluster.connect().await?;
    let events = store::events(&mut connection).await?;
    let views = store::views(&mut connection).await?;
    connection.close().await?;
    let pool = owner(cluster).await?;
    let folded = store::fold(&pool, &Keyring::new(&cluster.master_key)).await;
    pool.close().await;
    Ok(Evidence {
        attempts: journal.attempts(),
        events_before: GROUPS,
        ran,
        events,
        topic: topic::read(&cluster.brokers()).await?,
        views,
        folded: folded.map_err(|error| chain(&error)),
    })
}

async fn owner(cluster: &Cluster) -> Result<PgPool, Error> {
    let pool = PgPoolOptions::new().max_connections(2);
    Ok(pool.connect_with(cluster.owner()?).await?)
}

/// Makes the groups: their ids in Medusa.
async fn groups(cluster: &Cluster) -> Result<Vec<String>, Error> {
    let mut groups = vec![];
    for number in 0..GROUPS {
        let call = Call::create(
            "/admin/customer-groups",
            json!({ "name": format!("group {number}") }),
        );
        let door = cluster.doors().first().copied().unwrap_or_default();
        let request = format!("{:032x}", number + 1);
        let id = match call.send(door, &cluster.keys, &request, None).await {
            Reply::Answer(answer) => {
                let body: Value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
                let id = body.pointer("/customer_group/id").and_then(Value::as_str);
                id.map(ToOwned::to_owned)
            }
            Reply::NotSent | Reply::Lost(_) => None,
        };
        groups.push(id.ok_or_else(|| Error::Unanswered("no group was made".to_owned()))?);
    }
    Ok(groups)
}

/// How long it takes until the topic and all views hold everything.
async fn catch_up(cluster: &Cluster) -> Result<Option<Duration>, Error> {
    let pool = owner(cluster).await?;
    let head: Position = sqlx::query_scalar("select coalesce(max(position), 0) from events")
        .fetch_one(&pool)
        .await?;
    let start = Instant::now();
    let mut caught_up = None;
    while caught_up.is_none() && start.elapsed() < CAUGHT_UP_MAX {
        let mut least = Position::MAX;
        for projection in Projection::ALL {
            least = least.min(watermark(&pool, TOPIC, projection).await?);
        }
        if least >= head {
            caught_up = Some(start.elapsed());
        } else {
            sleep(POLL).await;
        }
    }
    pool.close().await;
    Ok(caught_up)
}
