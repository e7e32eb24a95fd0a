//! Does to the cluster what the plan says, at its time, and mends it again.

use std::collections::BinaryHeap;
use std::time::Duration;

use devkit::kafka::topic;
use devkit::proxy::Proxy;
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinHandle;
use tokio::time::{sleep, sleep_until, timeout};

use crate::Error;
use crate::cluster::{Cluster, Role, TOPIC};
use crate::journal::Journal;
use crate::plan::{Fault, Step};

/// How long the topic may resist.
const TOPIC_MAX: Duration = Duration::from_secs(20);
const AGAIN: Duration = Duration::from_millis(100);
/// How long all but requests is quiet before Postgres is stopped alone.
const ALONE: Duration = Duration::from_millis(1500);
/// How long the relay that is about to be killed may take to send a batch.
const BATCH_MAX: Duration = Duration::from_secs(2);
/// Who waits to note what was sent.
const NOTES: &str =
    "select pid from pg_locks where relation = 'sent_positions'::regclass and not granted";
/// How often it is looked for.
const NOTES_POLL: Duration = Duration::from_millis(2);
/// What connections are still taken in vain.
const CONNECTIONS_MAX: usize = 200;

/// A fault as it happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    /// What went wrong.
    pub(crate) fault: Fault,
    /// From when on.
    pub(crate) from: Duration,
    /// When all of it was mended again.
    pub(crate) until: Duration,
}

/// What happened, for the checker.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// The faults, in the order of their ends.
    pub(crate) faults: Vec<Done>,
    /// Records up to this position may be missing from the topic: we cut them off ourselves.
    pub(crate) truncated: i64,
}

/// Breaks things.
pub(crate) struct Nemesis<'a> {
    cluster: &'a mut Cluster,
    journal: &'a Journal,
    /// When the load began: the plan counts from then.
    start: Duration,
    history: History,
    /// The relay that is paused.
    paused: Option<usize>,
    /// The relay that was killed.
    killed: Option<usize>,
    taken: Vec<PgConnection>,
    open: Option<PgConnection>,
    query: Option<JoinHandle<()>>,
}

/// What is to be mended, the earliest first.
#[derive(Debug, PartialEq, Eq)]
struct Open {
    step: Step,
    from: Duration,
}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.step.ends().cmp(&self.step.ends())
    }
}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<'a> Nemesis<'a> {
    /// One that has not begun.
    pub(crate) fn new(cluster: &'a mut Cluster, journal: &'a Journal, start: Duration) -> Self {
        Self {
            cluster,
            journal,
            start,
            history: History::default(),
            paused: None,
            killed: None,
            taken: vec![],
            open: None,
            query: None,
        }
    }

    /// Follows the plan to its end; all is mended then.
    pub(crate) async fn run(mut self, plan: &[Step]) -> Result<History, Error> {
        let mut open: BinaryHeap<Open> = BinaryHeap::new();
        let mut plan = plan.iter().peekable();
        loop {
            let next = plan.peek().map(|step| step.at);
            let due = open.peek().map(|open| open.step.ends());
            match (next, due) {
                (None, None) => return Ok(self.history),
                (Some(at), due) if due.is_none_or(|due| at < due) => {
                    sleep_until(self.journal.at(self.start + at)).await;
                    let Some(step) = plan.next().copied() else {
                        continue;
                    };
                    let from = self.journal.now();
                    self.begin(step.fault).await?;
                    open.push(Open { step, from });
                }
                (_, due) => {
                    sleep_until(self.journal.at(self.start + due.unwrap_or_default())).await;
                    if let Some(Open { step, from }) = open.pop() {
                        self.end(step.fault).await?;
                        self.cluster.start_ended().await?;
                        self.history.faults.push(Done {
                            fault: step.fault,
                            from,
                            until: self.journal.now(),
                        });
                    }
                }
            }
        }
    }

    async fn begin(&mut self, fault: Fault) -> Result<(), Error> {
        let cluster = &mut *self.cluster;
        match fault {
            Fault::KillApi(number) => cluster.kill_member(Role::Api, number).await?,
            Fault::KillProjector(number) => cluster.kill_member(Role::Projector, number).await?,
            Fault::KillRelay => {
                let leader = cluster.leader().await.unwrap_or(0);
                self.killed = Some(leader);
                cluster.kill_member(Role::Relay, leader).await?;
            }
            Fault::KillRelayUnnoted => {
                let leader = cluster.leader().await.unwrap_or(0);
                self.killed = Some(leader);
                // Where Postgres is away, or nothing is sent, the kill is one like others.
                let held = timeout(BATCH_MAX, hold_sent_positions(cluster)).await;
                cluster.kill_member(Role::Relay, leader).await?;
                if let Ok(Ok(held)) = held {
                    let_sent_positions_go(held).await.ok();
                }
            }
            Fault::PauseRelay => {
                let leader = cluster.leader().await.unwrap_or(0);
                self.paused = Some(leader);
                cluster.signal(Role::Relay, leader, "STOP").await?;
            }
            Fault::FreezeRelay => {
                let leader = cluster.leader().await.unwrap_or(0);
                self.paused = Some(leader);
                if let Some(way) = cluster.way(Role::Relay, leader) {
                    way.freeze();
                }
            }
            Fault::PauseProjector(number) => {
                cluster.signal(Role::Projector, number, "STOP").await?;
            }
            Fault::TruncateTopic => {
                for number in 0..2 {
                    cluster.signal(Role::Projector, number, "STOP").await?;
                }
            }
            Fault::DeleteTopic => self.delete_topic().await?,
            Fault::StopPostgres => cluster.stop_postgres().await?,
            Fault::StopPostgresAlone => {
                cluster.kafka_way.close();
                sleep(ALONE).await;
                cluster.stop_postgres().await?;
            }
            Fault::KillBroker => cluster.kafka.kill().await?,
            Fault::CutKafka => cluster.kafka_way.close(),
            Fault::FreezeKafka => cluster.kafka_way.freeze(),
            Fault::CutPostgres => cluster.ways().for_each(Proxy::cut),
            Fault::UseUpConnections => self.use_up_connections().await,
            Fault::OpenTransaction => self.open_transaction().await?,
            Fault::LongQuery => self.long_query().await?,
        }
        Ok(())
    }

    async fn end(&mut self, fault: Fault) -> Result<(), Error> {
        let cluster = &mut *self.cluster;
        match fault {
            Fault::KillApi(number) => cluster.start_member(Role::Api, number).await?,
            Fault::KillProjector(number) => cluster.start_member(Role::Projector, number).await?,
            Fault::KillRelay | Fault::KillRelayUnnoted => {
                let relay = self.killed.take().unwrap_or(0);
                cluster.start_member(Role::Relay, relay).await?;
            }
            Fault::PauseRelay => {
                let relay = self.paused.take().unwrap_or(0);
                cluster.signal(Role::Relay, relay, "CONT").await?;
            }
            Fault::FreezeRelay => {
                let relay = self.paused.take().unwrap_or(0);
                if let Some(way) = cluster.way(Role::Relay, relay) {
                    way.open();
                }
            }
            Fault::PauseProjector(number) => {
                cluster.signal(Role::Projector, number, "CONT").await?;
            }
            Fault::TruncateTopic => self.truncate_topic().await?,
            Fault::DeleteTopic | Fault::CutPostgres => {}
            Fault::StopPostgres => cluster.start_postgres().await?,
            Fault::StopPostgresAlone => {
                cluster.start_postgres().await?;
                cluster.kafka_way.open();
            }
            Fault::KillBroker => cluster.kafka.start().await?,
            Fault::CutKafka | Fault::FreezeKafka => cluster.kafka_way.open(),
            Fault::UseUpConnections => self.taken.clear(),
            Fault::OpenTransaction => drop(self.open.take()),
            Fault::LongQuery => {
                if let Some(query) = self.query.take() {
                    query.abort();
                }
            }
        }
        Ok(())
    }

    async fn delete_topic(&mut self) -> Result<(), Error> {
        let brokers = self.cluster.brokers();
        insist(|| topic::delete(&brokers, TOPIC)).await?;
        // What is there from now on is a topic that was made anew, and has to be whole.
        self.history.truncated = 0;
        Ok(())
    }

    /// Cuts off what the projectors have not read. The relays look at the topic when they start.
    async fn truncate_topic(&mut self) -> Result<(), Error> {
        let brokers = self.cluster.brokers();
        insist(|| topic::truncate(&brokers, TOPIC)).await?;
        let mut connection = self.cluster.connect().await?;
        self.history.truncated = sqlx::query_scalar("select max(position) from events")
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        for number in 0..2 {
            self.cluster.signal(Role::Projector, number, "CONT").await?;
        }
        Ok(())
    }

    async fn use_up_connections(&mut self) {
        while self.taken.len() < CONNECTIONS_MAX {
            match self.cluster.connect().await {
                Ok(connection) => self.taken.push(connection),
                Err(_full) => return,
            }
        }
    }

    async fn open_transaction(&mut self) -> Result<(), Error> {
        let mut connection = self.cluster.connect().await?;
        sqlx::raw_sql(
            "begin isolation level repeatable read; select count(*) from events; \
             select count(*) from claims; select count(*) from marks; \
             select count(*) from stream_keys; select count(*) from idempotency_keys; \
             select count(*) from medusa_customers; select count(*) from shopline_customers",
        )
        .execute(&mut connection)
        .await?;
        self.open = Some(connection);
        Ok(())
    }

    async fn long_query(&mut self) -> Result<(), Error> {
        let mut connection = self.cluster.connect().await?;
        // What it leaves behind when it is given up ends soon, too.
        sqlx::raw_sql("set statement_timeout = '9s'")
            .execute(&mut connection)
            .await?;
        self.query = Some(tokio::spawn(async move {
            let query = sqlx::query("select pg_sleep(600), count(*) from events");
            // It ends by being given up.
            drop(query.execute(&mut connection).await);
        }));
        Ok(())
    }
}

/// Holds up the next note of a relay, and waits for it: what it sent is committed in Kafka then.
async fn hold_sent_positions(cluster: &Cluster) -> Result<PgConnection, Error> {
    let mut holder = cluster.connect().await?;
    sqlx::raw_sql("begin; lock table sent_positions in share mode")
        .execute(&mut holder)
        .await?;
    while sqlx::query(NOTES)
        .fetch_optional(&mut holder)
        .await?
        .is_none()
    {
        sleep(NOTES_POLL).await;
    }
    Ok(holder)
}

/// Lets notes pass again. One whose relay is gone is ended before, or its session would still write it.
async fn let_sent_positions_go(mut holder: PgConnection) -> Result<(), sqlx::Error> {
    let ended = format!("select pg_terminate_backend(pid) from ({NOTES}) as noting");
    sqlx::query(&ended).execute(&mut holder).await?;
    holder.close().await
}

/// Asks Kafka until it does it: it may be on its way.
async fn insist<F: Future<Output = Result<(), topic::Error>>>(
    ask: impl Fn() -> F,
) -> Result<(), Error> {
    let asking = async {
        while ask().await.is_err() {
            sleep(AGAIN).await;
        }
    };
    timeout(TOPIC_MAX, asking)
        .await
        .map_err(|_elapsed| Error::Topic)
}
