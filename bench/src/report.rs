//! What was measured, as a table and as JSON.

mod samples;
mod table;

use std::fmt::{self, Write as _};
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::PgPool;

use self::samples::rounded;
pub(crate) use self::samples::{Measured, Sample};
pub(crate) use self::table::{Beside, Row, Table};
use crate::error::Error;

/// Both sides at one number of connections, a sample a round.
pub(crate) struct Pair {
    /// Connections.
    pub(crate) connections: u16,
    /// `pgbench`.
    pub(crate) inserts: Vec<Sample>,
    /// The ledger.
    pub(crate) updates: Vec<Sample>,
}

/// One way to run the ledger.
pub(crate) struct Part {
    pub(crate) pairs: Vec<Pair>,
    /// Requests before the memory was first looked at.
    pub(crate) requests: u64,
    /// Resident bytes then.
    pub(crate) memory: u64,
    /// Answered updates in all.
    pub(crate) answered: u64,
    /// Resident bytes then.
    pub(crate) memory_at_end: u64,
    /// Mean size of an event's payload and metadata.
    pub(crate) event_bytes: u64,
    /// How long the process took until it was ready.
    pub(crate) ready_after: Duration,
    pub(crate) lag: Option<Lag>,
}

/// How far Kafka's followers are.
pub(crate) struct Lag {
    /// Positions behind the head when the last request was answered.
    pub(crate) at_end: Vec<(String, i64)>,
    /// How long it took until nothing was behind.
    pub(crate) caught_up: Option<Duration>,
}

/// Pages of many customers.
pub(crate) struct Lists {
    /// How many customers.
    pub(crate) customers: u64,
    /// How fast their rows were written.
    pub(crate) rows_per_second: u64,
    pub(crate) pages: Vec<List>,
}

/// One kind of page.
pub(crate) struct List {
    /// What was asked for.
    pub(crate) title: &'static str,
    /// Connections.
    pub(crate) connections: u16,
    pub(crate) measured: Measured,
}

/// Where this was measured.
pub(crate) struct Machine {
    cores: usize,
    postgres: String,
    /// Settings that decide what a commit costs.
    settings: Vec<(String, String)>,
}

/// All of it.
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) customers: u64,
    pub(crate) rounds: u16,
    pub(crate) seconds: u64,
    pub(crate) api: Option<Part>,
    /// Without Kafka there is none.
    pub(crate) all: Option<Part>,
    pub(crate) lists: Option<Lists>,
    pub(crate) tables: Vec<Table>,
}

impl Pair {
    /// Not measured yet.
    pub(crate) const fn of(connections: u16) -> Self {
        Self {
            connections,
            inserts: vec![],
            updates: vec![],
        }
    }

    /// The ledger's rate by that of `pgbench`, medians.
    fn ratio(&self) -> f64 {
        Sample::rate(&self.updates) / Sample::rate(&self.inserts)
    }

    fn json(&self) -> Value {
        let rounds = |samples: &[Sample]| samples.iter().map(Sample::json).collect::<Vec<_>>();
        json!({
            "connections": self.connections,
            "ratio": rounded(self.ratio(), 3),
            "ledger": Sample::median(&self.updates).json(),
            "pgbench": Sample::median(&self.inserts).json(),
            "ledger_rounds": rounds(&self.updates),
            "pgbench_rounds": rounds(&self.inserts),
        })
    }
}

impl Part {
    fn write(&self, text: &mut String) -> fmt::Result {
        writeln!(
            text,
            "{:>11} | {:>9} {:>8} {:>8} {:>9} | {:>9} {:>8} {:>8} {:>9} {:>8} | {:>5}",
            "", "pgbench", "", "", "CPU µs", "ledger", "", "", "CPU µs", "CPU µs", ""
        )?;
        writeln!(
            text,
            "{:>11} | {:>9} {:>8} {:>8} {:>9} | {:>9} {:>8} {:>8} {:>9} {:>8} | {:>5}",
            "connections",
            "inserts/s",
            "p50 ms",
            "p99 ms",
            "Postgres",
            "updates/s",
            "p50 ms",
            "p99 ms",
            "Postgres",
            "ledger",
            "ratio"
        )?;
        for pair in &self.pairs {
            let (insert, update) = (Sample::median(&pair.inserts), Sample::median(&pair.updates));
            writeln!(
                text,
                "{:>11} | {:>9.0} {:>8.2} {:>8.2} {:>9.0} | {:>9.0} {:>8.2} {:>8.2} {:>9.0} {:>8.0} | {:>5.2}",
                pair.connections,
                insert.measured.per_second,
                insert.measured.p50_ms,
                insert.measured.p99_ms,
                insert.postgres_us,
                update.measured.per_second,
                update.measured.p50_ms,
                update.measured.p99_ms,
                update.postgres_us,
                update.ledger_us,
                pair.ratio()
            )?;
        }
        writeln!(
            text,
            "ready after {} ms; resident memory of the ledger: {} MB after {} requests, {} MB after {}",
            self.ready_after.as_millis(),
            megabytes(self.memory),
            self.requests,
            megabytes(self.memory_at_end),
            self.answered
        )?;
        writeln!(
            text,
            "checked: every answer 200, one event of {} bytes on average for each, positions \
             gapless, after a kill -9",
            self.event_bytes
        )
    }

    fn json(&self) -> Value {
        json!({
            "pairs": self.pairs.iter().map(Pair::json).collect::<Vec<_>>(),
            "ready_after_ms": self.ready_after.as_millis(),
            "requests": self.requests,
            "resident_bytes": self.memory,
            "requests_in_all": self.answered,
            "resident_bytes_at_end": self.memory_at_end,
            "event_bytes": self.event_bytes,
            "lag": self.lag.as_ref().map(Lag::json),
        })
    }
}

impl Lag {
    fn write(&self, text: &mut String) -> fmt::Result {
        write!(text, "positions behind the head when the load ended:")?;
        for (part, lag) in &self.at_end {
            write!(text, " {part} {lag}")?;
        }
        if self.at_end.len() == 1 {
            write!(text, " (no projection has begun)")?;
        }
        match self.caught_up {
            Some(time) => writeln!(text, "; none after {:.1} s more", time.as_secs_f64()),
            None => writeln!(text, "; still behind a minute later"),
        }
    }

    fn json(&self) -> Value {
        let at_end = self.at_end.iter();
        json!({
            "at_end": at_end.map(|(part, lag)| (part.clone(), json!(lag)))
                .collect::<serde_json::Map<_, _>>(),
            "caught_up_s": self.caught_up.map(|time| rounded(time.as_secs_f64(), 2)),
        })
    }
}

impl Lists {
    fn write(&self, text: &mut String) -> fmt::Result {
        writeln!(
            text,
            "\npages of 50 of {} customers, each in one of 100 groups; rows written by the projection's \
             own save, {} a second\n{:>13} | {:>11} {:>9} {:>8} {:>8}",
            self.customers,
            self.rows_per_second,
            "list",
            "connections",
            "answers/s",
            "p50 ms",
            "p99 ms"
        )?;
        self.pages.iter().try_for_each(|list| {
            let Measured {
                per_second,
                p50_ms,
                p99_ms,
                count: _,
            } = list.measured;
            writeln!(
                text,
                "{:>13} | {:>11} {per_second:>9.0} {p50_ms:>8.2} {p99_ms:>8.2}",
                list.title, list.connections
            )
        })
    }

    fn json(&self) -> Value {
        let list = |list: &List| {
            json!({
                "list": list.title,
                "connections": list.connections,
                "per_second": rounded(list.measured.per_second, 0),
                "p50_ms": rounded(list.measured.p50_ms, 3),
                "p99_ms": rounded(list.measured.p99_ms, 3),
            })
        };
        json!({
            "customers": self.customers,
            "rows_per_second": self.rows_per_second,
            "lists": self.pages.iter().map(list).collect::<Vec<_>>(),
        })
    }
}

impl Machine {
    /// Asks the cluster and the system.
    pub(crate) async fn look(owner: &PgPool) -> Result<Self, Error> {
        let settings = sqlx::query_as(
            "select name, current_setting(name) from unnest(array['fsync', 'synchronous_commit', \
                'full_page_writes', 'shared_buffers', 'max_wal_size']) as name",
        );
        let version = sqlx::query_scalar("select current_setting('server_version')");
        Ok(Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            postgres: version.fetch_one(owner).await?,
            settings: settings.fetch_all(owner).await?,
        })
    }
}

impl Report {
    /// For a person.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        self.write(&mut text)
            .expect("writing to a text never fails");
        text
    }

    fn write(&self, text: &mut String) -> fmt::Result {
        let Machine {
            cores,
            postgres,
            settings,
        } = &self.machine;
        let settings = settings
            .iter()
            .map(|(name, value)| format!("{name} {value}"));
        writeln!(
            text,
            "{cores} cores, shared by Postgres, the ledger and the load; PostgreSQL {postgres}, {}",
            settings.collect::<Vec<_>>().join(", ")
        )?;
        self.lists.iter().try_for_each(|lists| lists.write(text))?;
        self.api
            .iter()
            .try_for_each(|api| self.write_updates(api, text))?;
        self.tables.iter().try_for_each(|table| table.write(text))
    }

    fn write_updates(&self, api: &Part, text: &mut String) -> fmt::Result {
        writeln!(
            text,
            "\npgbench: one row of 500 bytes of JSON a transaction, unordered, prepared\n\
             ledger: POST /admin/customers/{{id}} with a new first_name, on a random one of {} \
             customers\n\
             medians of {} rounds of {} s; in a round the two take turns, each after a checkpoint\n\n\
             (a) --roles api, without Kafka",
            self.customers, self.rounds, self.seconds
        )?;
        api.write(text)?;
        let Some(all) = &self.all else {
            return writeln!(
                text,
                "\n(b) all roles: not measured, KAFKA_BROKERS is not set; ./dev bench sets it"
            );
        };
        writeln!(
            text,
            "\n(b) all roles, with Kafka on the same cores; the inserts are those of (a)"
        )?;
        all.write(text)?;
        all.lag.iter().try_for_each(|lag| lag.write(text))
    }

    /// For a program.
    pub(crate) fn json(&self) -> String {
        let settings = self.machine.settings.iter();
        let mut text = json!({
            "cores": self.machine.cores,
            "postgres": self.machine.postgres,
            "settings": settings.map(|(name, value)| (name.clone(), json!(value)))
                .collect::<serde_json::Map<_, _>>(),
            "customers": self.customers,
            "rounds": self.rounds,
            "seconds": self.seconds,
            "lists": self.lists.as_ref().map(Lists::json),
            "api": self.api.as_ref().map(Part::json),
            "all": self.all.as_ref().map(Part::json),
            "tables": self.tables.iter().map(|table| (table.name.to_owned(), table.json()))
                .collect::<serde_json::Map<_, _>>(),
        })
        .to_string();
        text.push('\n');
        text
    }
}

const fn megabytes(bytes: u64) -> u64 {
    bytes / 1_000_000
}
