//! `ledger show`: a customer as a shop shows it, now or at any time before.

use std::io::{self, IsTerminal as _};

use clap::Args;

use super::error::{UsageError, no_answer};
use super::operator::operator;
use super::query::{Common, Desk, Ended, ShapeOptions, when};
use super::table::escaped;
use crate::config::Settings;
use crate::history::{Shape, parsed};

/// Which customer to show, of when.
#[derive(Debug, Args)]
pub(super) struct Show {
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

impl Show {
    /// Prints it: to a terminal for reading, else the contract's own bytes.
    pub(super) async fn run(self, settings: &Settings) -> Ended {
        let desk = Desk::open(settings).await?;
        let shape = Shape::parse(self.shape.asked(), &desk.store).map_err(UsageError::new)?;
        let actor = operator();
        let questions = desk.questions(&actor, &self.common);
        let as_of = self.as_of.as_deref().map(when).transpose()?;
        let document = questions.show(&self.id, as_of, &shape).await;
        let document = document.map_err(no_answer)?;
        if self.common.json || !io::stdout().is_terminal() {
            return desk.print(&document).await;
        }
        let text = format!("{:#}", parsed(Some(&document)));
        let lines = text.lines().map(|line| escaped(line) + "\n");
        desk.print(&lines.collect::<String>()).await
    }
}
