//! `ledger log`, `show`, `diff` and `blame`: questions to the past from the command line.

use std::error::Error;
use std::io::{self, IsTerminal as _};

use clap::Args;
use clap::builder::RangedI64ValueParser;
use events::ids::{Position, StreamId};
use jiff::Timestamp;
use projections::shopline::Store;
use serde_json::Value;

use crate::cli::owner::{self, Owner, Wrong};
use crate::cli::table::{escaped, table};
use crate::config::{Settings, StoreConfig};
use crate::event_store::Ledger;
use crate::history::access_log;
use crate::history::questions::{Asker, PAGE, PAGE_MAX, Page, Questions, blame_json, wrong};
use crate::history::{Entry, Shape, When, parsed, shape};

/// What a command ends with.
pub(crate) type Ended = Result<(), Box<dyn Error>>;

/// Which part of a customer's log.
#[derive(Debug, Args)]
pub struct Log {
    /// Any id of the customer's or group's: of Medusa, of SHOPLINE or of the ledger.
    id: String,
    /// Only what follows this position.
    #[arg(long, value_name = "POSITION", conflicts_with = "before", value_parser = position())]
    after: Option<i64>,
    /// Only what precedes this position.
    #[arg(long, value_name = "POSITION", value_parser = position())]
    before: Option<i64>,
    /// At most so many events; without `--after`, the newest.
    #[arg(long, default_value_t = PAGE, value_parser = clap::value_parser!(i64).range(1..=PAGE_MAX))]
    limit: i64,
    /// Open on whose behalf and why, which are sealed: this is logged.
    #[arg(long)]
    open: bool,
    /// How it is asked and printed.
    #[command(flatten)]
    common: Common,
}

/// Which customer to show, of when.
#[derive(Debug, Args)]
pub struct Show {
    /// Any id of the customer's or group's: of Medusa, of SHOPLINE or of the ledger.
    id: String,
    /// A position (1093), a time (2026-03-01T10:00Z), a date, or how long ago (2 hours ago).
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    /// In whose words.
    #[command(flatten)]
    shape: ShapeOptions,
    /// How it is asked and printed.
    #[command(flatten)]
    common: Common,
}

/// Which two times to compare.
#[derive(Debug, Args)]
pub struct Diff {
    /// Any id of the customer's or group's: of Medusa, of SHOPLINE or of the ledger.
    id: String,
    /// Two points in time, as `--as-of` takes them: `812..1093`. Without the first, since the birth;
    /// without the second, up to now.
    #[arg(value_name = "FROM..TO", default_value = "..")]
    range: String,
    /// In whose words.
    #[command(flatten)]
    shape: ShapeOptions,
    /// How it is asked and printed.
    #[command(flatten)]
    common: Common,
}

/// What to find the cause of.
#[derive(Debug, Args)]
pub struct Blame {
    /// Any id of the customer's or group's: of Medusa, of SHOPLINE or of the ledger.
    id: String,
    /// A JSON Pointer into the customer, such as `/addresses/0/zip`; without it, everything.
    pointer: Option<String>,
    /// A position (1093), a time (2026-03-01T10:00Z), a date, or how long ago (2 hours ago).
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    /// In whose words.
    #[command(flatten)]
    shape: ShapeOptions,
    /// How it is asked and printed.
    #[command(flatten)]
    common: Common,
}

/// In whose words a customer is shown.
#[derive(Debug, Args)]
pub(crate) struct ShapeOptions {
    /// The shop; without it, medusa.
    #[arg(long, value_parser = ["medusa", "shopline"])]
    shape: Option<String>,
    /// Medusa's option: the relations to show.
    #[arg(long)]
    expand: Option<String>,
    /// SHOPLINE's version, such as v20220901.
    #[arg(long)]
    version: Option<String>,
    /// SHOPLINE's option: the members to show.
    #[arg(long)]
    fields: Option<String>,
}

/// How a question is asked and its answer printed.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// One JSON document, the same as over HTTP.
    #[arg(long)]
    pub(crate) json: bool,
    /// Why, for the access log.
    #[arg(long)]
    reason: Option<String>,
}

fn position() -> RangedI64ValueParser {
    clap::value_parser!(i64).range(0..)
}

impl Log {
    /// Prints it.
    pub async fn run(self, settings: &Settings) -> Ended {
        let desk = Desk::open(settings).await?;
        let page = match (self.after, self.before) {
            (Some(after), _) => Page::After(Position::new(after)),
            (None, Some(before)) => Page::Before(Position::new(before)),
            (None, None) => Page::Last,
        };
        let actor = access_log::operator();
        let questions = desk.questions(&actor, &self.common);
        let log = questions.log(&self.id, page, self.limit, self.open).await;
        let log = log.map_err(wrong)?;
        if self.common.json {
            return desk.print(&format!("{}\n", log.json(self.open))).await;
        }
        let rows = log.events.iter().map(|logged| {
            let [position, time, who, event] = cause(&logged.entry);
            let metadata = logged.entry.metadata();
            let words = self.open.then(|| words(&logged.entry));
            [
                position,
                logged.entry.sequence().to_string(),
                time,
                who,
                metadata.contract.name().to_owned(),
                event,
                logged.changed.join(" "),
                metadata.route.clone(),
                metadata.request_id.to_string(),
            ]
            .into_iter()
            .chain(words)
        });
        let head = [
            "position",
            "sequence",
            "time",
            "actor",
            "contract",
            "event",
            "changed",
            "route",
            "request",
            "on behalf of: why",
        ];
        let columns = if self.open { 10 } else { 9 };
        let head = head.get(..columns).unwrap_or_default();
        desk.print(&table(head, rows, io::stdout().is_terminal()))
            .await
    }
}

impl Show {
    /// Prints it: to a terminal for reading, else the contract's own bytes.
    pub async fn run(self, settings: &Settings) -> Ended {
        let desk = Desk::open(settings).await?;
        let shape = Shape::parse(self.shape.asked(), &desk.store).map_err(Wrong::new)?;
        let actor = access_log::operator();
        let questions = desk.questions(&actor, &self.common);
        let as_of = self.as_of.as_deref().map(when).transpose()?;
        let document = questions.show(&self.id, as_of, &shape).await;
        let document = document.map_err(wrong)?;
        if self.common.json || !io::stdout().is_terminal() {
            return desk.print(&document).await;
        }
        let text = format!("{:#}", parsed(Some(&document)));
        let lines = text.lines().map(|line| escaped(line) + "\n");
        desk.print(&lines.collect::<String>()).await
    }
}

impl Diff {
    /// Prints it.
    pub async fn run(self, settings: &Settings) -> Ended {
        let desk = Desk::open(settings).await?;
        let shape = Shape::parse_whole(self.shape.asked(), &desk.store).map_err(Wrong::new)?;
        let (from, to) = self.range.split_once("..").ok_or_else(|| {
            Wrong::new("a range has two points in time with two dots between: 812..1093")
        })?;
        let given = |text: &str| (!text.is_empty()).then(|| when(text)).transpose();
        let (from, to) = (given(from)?, given(to)?);
        let actor = access_log::operator();
        let questions = desk.questions(&actor, &self.common);
        let diff = questions.diff(&self.id, from, to, &shape).await;
        let diff = diff.map_err(wrong)?;
        if self.common.json {
            return desk.print(&format!("{}\n", diff.json())).await;
        }
        let value =
            |value: &Option<Value>| value.as_ref().map_or_else(String::new, Value::to_string);
        let rows = diff.changes.iter().map(|(difference, by)| {
            let cause = by.as_ref().map_or_else(Default::default, cause);
            let ends = [value(&difference.from), value(&difference.to)];
            [difference.pointer.clone()]
                .into_iter()
                .chain(ends)
                .chain(cause)
        });
        let head = [
            "pointer", "from", "to", "position", "time", "actor", "event",
        ];
        desk.print(&table(&head, rows, io::stdout().is_terminal()))
            .await
    }
}

impl Blame {
    /// Prints it.
    pub async fn run(self, settings: &Settings) -> Ended {
        let desk = Desk::open(settings).await?;
        let shape = Shape::parse_whole(self.shape.asked(), &desk.store).map_err(Wrong::new)?;
        let as_of = self.as_of.as_deref().map(when).transpose()?;
        let actor = access_log::operator();
        let questions = desk.questions(&actor, &self.common);
        let leaves = questions
            .blame(&self.id, self.pointer.as_deref(), as_of, &shape)
            .await;
        let leaves = leaves.map_err(wrong)?;
        if self.common.json {
            return desk.print(&format!("{}\n", blame_json(&leaves))).await;
        }
        let rows = leaves.iter().map(|leaf| {
            let place = [leaf.pointer.clone(), leaf.value.to_string()];
            place
                .into_iter()
                .chain(cause(&leaf.by))
                .chain([words(&leaf.by)])
        });
        let head = [
            "pointer",
            "value",
            "position",
            "time",
            "actor",
            "event",
            "on behalf of: why",
        ];
        desk.print(&table(&head, rows, io::stdout().is_terminal()))
            .await
    }
}

impl ShapeOptions {
    pub(crate) fn asked(&self) -> shape::Asked<'_> {
        shape::Asked {
            shape: Some(self.shape.as_deref().unwrap_or("medusa")),
            expand: self.expand.as_deref(),
            version: self.version.as_deref(),
            fields: self.fields.as_deref(),
        }
    }

    /// Whether anything is asked for.
    pub(crate) fn is_given(&self) -> bool {
        let Self {
            shape,
            expand,
            version,
            fields,
        } = self;
        [shape, expand, version, fields]
            .into_iter()
            .any(Option::is_some)
    }
}

/// Where the owner of the database asks.
pub(crate) struct Desk {
    pub(crate) ledger: Ledger,
    pub(crate) store: Store,
}

impl Desk {
    pub(crate) async fn open(settings: &Settings) -> Result<Self, owner::Error> {
        Ok(Self {
            ledger: Owner::open(settings).await?.ledger(),
            store: settings.read::<StoreConfig>()?.shown(),
        })
    }

    pub(crate) fn questions<'a>(
        &'a self,
        actor: &'a events::record::Actor,
        common: &'a Common,
    ) -> Questions<'a> {
        Questions {
            ledger: &self.ledger,
            asker: Asker {
                actor,
                request_id: None,
                reason: common.reason.as_deref(),
            },
        }
    }

    pub(crate) async fn print(&self, text: &str) -> Ended {
        Ok(owner::print(&self.ledger.pool, text).await?)
    }
}

/// Position, time, actor and event of a record.
pub(crate) fn cause(entry: &Entry) -> [String; 4] {
    let actor = &entry.metadata().actor;
    [
        entry.position().to_string(),
        entry.time().to_string(),
        format!("{} {}", actor.kind.name(), actor.id),
        entry.type_name().to_owned(),
    ]
}

/// On whose behalf and why a record was asked for, opened.
fn words(entry: &Entry) -> String {
    let metadata = entry.metadata();
    let open = |words: &Option<events::personal::Personal<String>>| {
        words.as_ref().and_then(|words| words.open().cloned())
    };
    match (open(&metadata.on_behalf_of), open(&metadata.reason)) {
        (Some(whom), Some(why)) => format!("{whom}: {why}"),
        (words, None) | (None, words) => words.unwrap_or_default(),
    }
}

impl Owner {
    /// The stream of the customer who has or had an id, of either shop or the ledger.
    pub async fn customer(&self, id: &str) -> Result<StreamId, Box<dyn Error>> {
        let found = crate::history::questions::find_customer(&self.pool, &self.store, id).await;
        Ok(found.map_err(wrong)?.stream)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long ago something was is asked of the clock"
)]
pub(crate) fn when(text: &str) -> Result<When, Wrong> {
    When::parse(text, Timestamp::now()).map_err(Wrong::new)
}
