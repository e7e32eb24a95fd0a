//! `ledger log`: what happened to a customer, a line an event.

use std::io::{self, IsTerminal as _};

use clap::Args;
use clap::builder::RangedI64ValueParser;
use events::ids::Position;

use super::error::no_answer;
use super::operator::operator;
use super::query::{Common, Desk, Ended, cause, words};
use super::table::table;
use crate::config::Settings;
use crate::history::questions::log::{PAGE, PAGE_MAX, Page};

/// Which part of a customer's log.
#[derive(Debug, Args)]
pub(super) struct Log {
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

fn position() -> RangedI64ValueParser {
    clap::value_parser!(i64).range(0..)
}

impl Log {
    /// Prints it.
    pub(super) async fn run(self, settings: &Settings) -> Ended {
        let desk = Desk::open(settings).await?;
        let page = match (self.after, self.before) {
            (Some(after), _) => Page::After(Position::new(after)),
            (None, Some(before)) => Page::Before(Position::new(before)),
            (None, None) => Page::Last,
        };
        let actor = operator();
        let questions = desk.questions(&actor, &self.common);
        let log = questions.log(&self.id, page, self.limit, self.open).await;
        let log = log.map_err(no_answer)?;
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
