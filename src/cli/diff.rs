//! `ledger diff`: what differs between two times, and by which event.

use std::io::{self, IsTerminal as _};

use clap::Args;
use serde_json::Value;

use super::error::{UsageError, no_answer};
use super::operator::operator;
use super::query::{Common, Desk, Ended, ShapeOptions, cause, when};
use super::table::table;
use crate::config::Settings;
use crate::history::Shape;

/// Which two times to compare.
#[derive(Debug, Args)]
pub(super) struct Diff {
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

impl Diff {
    /// Prints it.
    pub(super) async fn run(self, settings: &Settings) -> Ended {
        let desk = Desk::open(settings).await?;
        let shape = Shape::parse_whole(self.shape.asked(), &desk.store).map_err(UsageError::new)?;
        let (from, to) = self.range.split_once("..").ok_or_else(|| {
            UsageError::new("a range has two points in time with two dots between: 812..1093")
        })?;
        let given = |text: &str| (!text.is_empty()).then(|| when(text)).transpose();
        let (from, to) = (given(from)?, given(to)?);
        let actor = operator();
        let questions = desk.questions(&actor, &self.common);
        let diff = questions.diff(&self.id, from, to, &shape).await;
        let diff = diff.map_err(no_answer)?;
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
