//! `ledger blame`: which event made each value what it is.

use std::io::{self, IsTerminal as _};

use clap::Args;

use super::error::{UsageError, no_answer};
use super::operator::operator;
use super::query::{Common, Desk, Ended, ShapeOptions, cause, when, words};
use super::table::table;
use crate::config::Settings;
use crate::history::Shape;
use crate::history::questions::blame::blame_json;

/// What to find the cause of.
#[derive(Debug, Args)]
pub(super) struct Blame {
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

impl Blame {
    /// Prints it.
    pub(super) async fn run(self, settings: &Settings) -> Ended {
        let desk = Desk::open(settings).await?;
        let shape = Shape::parse_whole(self.shape.asked(), &desk.store).map_err(UsageError::new)?;
        let as_of = self.as_of.as_deref().map(when).transpose()?;
        let actor = operator();
        let questions = desk.questions(&actor, &self.common);
        let leaves = questions
            .blame(&self.id, self.pointer.as_deref(), as_of, &shape)
            .await;
        let leaves = leaves.map_err(no_answer)?;
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
