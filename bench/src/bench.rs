//! One run of the benchmark: its sections in turn.

use std::sync::Arc;
use std::time::Duration;

use crate::appends::{Appends, Change};
use crate::context::{Bench, CATCH_UP_MAX, CONNECTIONS_MANY, WARM_UP};
use crate::error::Error;
use crate::load::{Ask, Load, Until};
use crate::options::Section;
use crate::pgbench::Pgbench;
use crate::process::{Server, cluster_cpu};
use crate::report;
use crate::report::{Beside, Lists, Machine, Measured, Pair, Part, Report, Row, Sample, Table};
use crate::store::Store;
use crate::{flat, history, lists, rebuild, visible};

/// Connections that share a load that is not the greatest.
const CONNECTIONS_PACED: usize = 16;
impl Bench<'_> {
    pub(crate) async fn run(&self) -> Result<Report, Error> {
        let brokers = self.options.kafka_brokers.as_deref();
        let brokers = brokers.filter(|brokers| !brokers.is_empty());
        let pgbench = Pgbench::prepare(self.postgres, self.dir).await?;
        let machine = Machine::look(&pgbench.owner).await?;
        let has = |section| self.options.only.is_none_or(|only| only == section);
        let lists = if has(Section::Lists) {
            Some(self.lists().await?)
        } else {
            None
        };
        let mut tables = vec![];
        let api = if has(Section::Updates) {
            Some(self.api_alone(&pgbench, &mut tables).await?)
        } else {
            None
        };
        let all = match (brokers, &api) {
            (Some(brokers), Some(api)) => {
                Some(self.all_roles(brokers, &api.pairs, &mut tables).await?)
            }
            (Some(_) | None, Some(_) | None) => None,
        };
        if has(Section::Appends) {
            tables.push(self.appends(&pgbench).await?);
        }
        if has(Section::Flat) {
            tables.push(flat::run(self, self.options.table).await?);
        }
        if has(Section::History) {
            tables.push(history::run(self, self.options.table).await?);
        }
        if has(Section::Rebuild) {
            let events = self.options.events;
            tables.extend(rebuild::run(self, events, brokers).await?);
        }
        Ok(Report {
            machine,
            customers: self.options.customers,
            rounds: self.options.rounds,
            seconds: self.options.seconds,
            api,
            all,
            lists,
            tables,
        })
    }

    /// Pages of many customers, in a database of their own.
    async fn lists(&self) -> Result<Lists, Error> {
        let store = Store::create(self.postgres, "ledger_lists").await?;
        let server = Server::start(&store, self.dir, "api", None).await?;
        let seconds = Duration::from_secs(self.options.seconds);
        let measured = lists::run(&store, &server, seconds, self.stop).await;
        server.kill().await?;
        measured
    }

    /// Part (a): the API alone against `pgbench`, side by side.
    async fn api_alone(&self, pgbench: &Pgbench, tables: &mut Vec<Table>) -> Result<Part, Error> {
        let (store, server, load) = self.serve("ledger_api", "api", None).await?;
        let memory = self.memory_after_requests(&server, &load).await?;
        let mut pairs: Vec<Pair> = self.pairs();
        let mut reads: Vec<Vec<Measured>> = pairs.iter().map(|_| vec![]).collect();
        for _ in 0..self.options.rounds {
            for (pair, reads) in pairs.iter_mut().zip(&mut reads) {
                store.checkpoint().await?;
                let inserts = self.inserts(pgbench, pair.connections).await?;
                pair.inserts.push(inserts);
                store.checkpoint().await?;
                let updates = self.updates(&server, &load, pair.connections).await?;
                pair.updates.push(updates);
                reads.push(self.asked(Ask::Read, &load, pair.connections).await?);
            }
        }
        tables.push(Table {
            name: "reads",
            heading: "GET /admin/customers/{id}, in the rounds of (a)".to_owned(),
            rows: pairs
                .iter()
                .zip(reads)
                .map(|(pair, reads)| {
                    let updates = Sample::measured(&pair.updates);
                    let beside = Beside::rate("the updates", &reads, &updates);
                    Row::new(connections(pair.connections), reads, Some(beside))
                })
                .collect(),
        });
        tables.push(self.two_processes(&store, &load).await?);
        self.finish(store, server, &load, pairs, memory, None).await
    }

    /// One more process of the same ledger: updates at one of them and at both, in turns.
    async fn two_processes(&self, store: &Store, load: &Arc<Load>) -> Result<Table, Error> {
        let second = Server::start(store, self.dir, "api", None).await?;
        let both = Arc::new(load.and_at(second.address));
        let most = self.options.connections.iter().copied().max();
        let most = most.unwrap_or_default();
        let (mut at_one, mut at_both) = (vec![], vec![]);
        for _ in 0..self.options.rounds {
            for (load, samples) in [(load, &mut at_one), (&both, &mut at_both)] {
                store.checkpoint().await?;
                samples.push(self.asked(Ask::Update, load, most).await?);
            }
        }
        second.kill().await?;
        let beside = Beside::rate("one", &at_both, &at_one);
        Ok(Table {
            name: "processes",
            heading: format!(
                "updates over {} at one and at two processes",
                connections(most)
            ),
            rows: vec![
                Row::new("one", at_one, None),
                Row::new("two", at_both, Some(beside)),
            ],
        })
    }

    /// The store alone against `pgbench`.
    async fn appends(&self, pgbench: &Pgbench) -> Result<Table, Error> {
        let store = Store::create(self.postgres, "ledger_appends").await?;
        let appends = Appends::prepare(&store, self.options.customers).await?;
        store.analyze().await?;
        let seconds = Duration::from_secs(self.options.seconds);
        let mut rows = vec![];
        for &callers in &self.options.connections {
            let (mut inserts, mut samples) = (vec![], Change::ALL.map(|_| vec![]));
            for _ in 0..self.options.rounds {
                store.checkpoint().await?;
                inserts.push(self.inserts(pgbench, callers).await?);
                for (change, samples) in Change::ALL.into_iter().zip(&mut samples) {
                    store.checkpoint().await?;
                    appends.run(callers.into(), change, WARM_UP).await?;
                    samples.push(appends.run(callers.into(), change, seconds).await?);
                }
            }
            let inserts = Sample::measured(&inserts);
            for (change, samples) in Change::ALL.into_iter().zip(samples) {
                let beside = Beside::rate("pgbench", &samples, &inserts);
                let what = format!("{} at {callers}", change.title());
                rows.push(Row::new(what, samples, Some(beside)));
            }
        }
        Ok(Table {
            name: "appends",
            heading:
                "the store alone, without HTTP, in the process of its callers; an e-mail's claim \
                      and mark change hands"
                    .to_owned(),
            rows,
        })
    }

    /// Part (b): all roles on the same cores. Whatever the relay and the projections have not done
    /// yet would run beside `pgbench`, so the inserts are those of part (a).
    async fn all_roles(
        &self,
        brokers: &str,
        inserts: &[Pair],
        tables: &mut Vec<Table>,
    ) -> Result<Part, Error> {
        let roles = "api,relay,projector";
        let (store, server, load) = self.serve("ledger_all", roles, Some(brokers)).await?;
        let memory = self.memory_after_requests(&server, &load).await?;
        let mut pairs = self.pairs();
        for (pair, alone) in pairs.iter_mut().zip(inserts) {
            pair.inserts.clone_from(&alone.inserts);
        }
        for _ in 0..self.options.rounds {
            for pair in &mut pairs {
                store.checkpoint().await?;
                let updates = self.updates(&server, &load, pair.connections).await?;
                pair.updates.push(updates);
            }
        }
        let lag = store.lag().await?;
        let caught_up = store.catch_up(CATCH_UP_MAX).await?;
        let lag = report::Lag {
            at_end: lag,
            caught_up,
        };
        tables.push(self.visible(&store, &server, &load, &pairs).await?);
        self.finish(store, server, &load, pairs, memory, Some(lag))
            .await
    }

    /// How long updates take into the views, at half the load that there can be.
    async fn visible(
        &self,
        store: &Store,
        server: &Server,
        load: &Arc<Load>,
        pairs: &[Pair],
    ) -> Result<Table, Error> {
        let rates = pairs.iter().map(|pair| Sample::rate(&pair.updates));
        let half = rates.fold(0.0, f64::max) / 2.0;
        let paced = Arc::new(load.but_one().at_most(half));
        let seconds = Duration::from_secs(self.options.seconds);
        let mut samples = vec![];
        for _ in 0..self.options.rounds {
            store.catch_up(CATCH_UP_MAX).await?;
            let background = Until::Time(seconds + WARM_UP);
            let (_, watched) = tokio::try_join!(
                paced.run(Ask::Update, CONNECTIONS_PACED, background, self.stop),
                async {
                    tokio::time::sleep(WARM_UP).await;
                    let customer = load.customer();
                    visible::watch(store, server.address, load, customer, seconds).await
                }
            )?;
            samples.push(watched);
        }
        Ok(Table {
            name: "visible",
            heading: format!(
                "from the answer to an update until both views show it, through Kafka, beside {half:.0} \
                 other updates a second"
            ),
            rows: vec![Row::new("visible", samples, None)],
        })
    }

    fn pairs(&self) -> Vec<Pair> {
        let connections = self.options.connections.iter();
        connections
            .map(|&connections| Pair::of(connections))
            .collect()
    }

    /// A ledger of its own with its customers.
    async fn serve(
        &self,
        database: &str,
        roles: &str,
        brokers: Option<&str>,
    ) -> Result<(Store, Server, Arc<Load>), Error> {
        let store = Store::create(self.postgres, database).await?;
        let server = Server::start(&store, self.dir, roles, brokers).await?;
        let mut load = Load::new(server.address, store.api_token.clone());
        load.create(CONNECTIONS_MANY, self.options.customers, self.stop)
            .await?;
        // What was loaded in bulk is planned as what it is.
        store.analyze().await?;
        Ok((store, server, Arc::new(load)))
    }

    async fn memory_after_requests(&self, server: &Server, load: &Arc<Load>) -> Result<u64, Error> {
        let until = Until::Answers(self.options.requests);
        load.run(Ask::Update, CONNECTIONS_MANY, until, self.stop)
            .await?;
        server.resident_bytes()
    }

    async fn inserts(&self, pgbench: &Pgbench, connections: u16) -> Result<Sample, Error> {
        pgbench.run(connections, WARM_UP).await?;
        let before = cluster_cpu(self.postgres)?;
        let seconds = Duration::from_secs(self.options.seconds);
        let measured = pgbench.run(connections, seconds).await?;
        let cpu = cluster_cpu(self.postgres)?.saturating_sub(before);
        Ok(Sample::new(measured, cpu, Duration::ZERO))
    }

    async fn updates(
        &self,
        server: &Server,
        load: &Arc<Load>,
        connections: u16,
    ) -> Result<Sample, Error> {
        self.warm_up(Ask::Update, load, connections).await?;
        let before = (cluster_cpu(self.postgres)?, server.cpu()?);
        let measured = self.measure(Ask::Update, load, connections).await?;
        let postgres = cluster_cpu(self.postgres)?.saturating_sub(before.0);
        let ledger = server.cpu()?.saturating_sub(before.1);
        Ok(Sample::new(measured, postgres, ledger))
    }

    /// Without the processor time, which more than one process may use.
    async fn asked(&self, ask: Ask, load: &Arc<Load>, connections: u16) -> Result<Measured, Error> {
        self.warm_up(ask, load, connections).await?;
        self.measure(ask, load, connections).await
    }

    async fn warm_up(&self, ask: Ask, load: &Arc<Load>, connections: u16) -> Result<(), Error> {
        let until = Until::Time(WARM_UP);
        load.run(ask, connections.into(), until, self.stop).await?;
        Ok(())
    }

    async fn measure(
        &self,
        ask: Ask,
        load: &Arc<Load>,
        connections: u16,
    ) -> Result<Measured, Error> {
        let until = Until::Time(Duration::from_secs(self.options.seconds));
        load.run(ask, connections.into(), until, self.stop).await
    }

    /// Ends the ledger, and checks that the store holds exactly what it answered.
    async fn finish(
        &self,
        store: Store,
        server: Server,
        load: &Load,
        pairs: Vec<Pair>,
        memory: u64,
        lag: Option<report::Lag>,
    ) -> Result<Part, Error> {
        let (memory_at_end, ready_after) = (server.resident_bytes()?, server.ready_after);
        server.kill().await?;
        let answered = load.updated();
        let event_bytes = store.check(self.options.customers, answered).await?;
        Ok(Part {
            pairs,
            requests: self.options.requests,
            memory,
            answered,
            memory_at_end,
            event_bytes,
            ready_after,
            lag,
        })
    }
}

fn connections(number: u16) -> String {
    match number {
        1 => "1 connection".to_owned(),
        _ => format!("{number} connections"),
    }
}
