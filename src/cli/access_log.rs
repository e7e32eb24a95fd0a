//! `ledger access-log`: who opened whose personal data, from the command line.

use std::error::Error;
use std::io::{self, IsTerminal as _, Write as _};

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use crate::cli::error::{UsageError, no_answer};
use crate::cli::owner::Owner;
use crate::cli::query::when;
use crate::cli::table::table;
use crate::config::Settings;
use crate::history::When;
use crate::history::access_log::{LISTED_MAX, Listed, Noted, Wanted, list};
use crate::history::find::find;

/// Which accesses.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Any id of a customer's or a group's; without it, accesses to all.
    id: Option<String>,
    /// Only those since a time (2026-03-01T10:00Z), a date, or how long ago (2 hours ago).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only those up to a time. At most the newest 10,000 are listed: this reaches the others.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// A JSON document a line instead of text.
    #[arg(long)]
    json: bool,
}

/// Reads as the owner of the database, the only one who may.
pub(super) async fn run(settings: &Settings, options: Options) -> Result<(), Box<dyn Error>> {
    let since = options.since.as_deref().map(time).transpose()?;
    let until = options.until.as_deref().map(time).transpose()?;
    let owner = Owner::open(settings).await?;
    let stream = match &options.id {
        Some(id) => {
            let found = find(&owner.pool, &owner.store, id).await;
            Some(found.map_err(no_answer)?.stream)
        }
        None => None,
    };
    let Owner {
        pool,
        keyring,
        store,
    } = &owner;
    let wanted = Wanted {
        stream: stream.as_ref(),
        since,
        until,
    };
    let Listed { accesses, is_cut } = list(pool, keyring, store, wanted).await?;
    let text = if options.json {
        accesses.iter().map(document).collect()
    } else {
        let head = [
            "time", "actor", "role", "question", "stream", "request", "why",
        ];
        table(&head, accesses.iter().map(row), io::stdout().is_terminal())
    };
    owner.print(&text).await?;
    if let Some(first) = accesses.first().filter(|_| is_cut) {
        let cut = format!(
            "only the newest {LISTED_MAX} are listed: --until {} lists those before",
            first.time
        );
        writeln!(io::stderr().lock(), "{cut}")?;
    }
    Ok(())
}

fn time(text: &str) -> Result<Timestamp, UsageError> {
    match when(text)? {
        When::Time(time) => Ok(time),
        When::Position(_) => Err(UsageError::new(
            "accesses have times and no positions: give a time",
        )),
    }
}

fn row(noted: &Noted) -> [String; 7] {
    let reason = noted.reason.as_ref();
    let reason = reason.map(|reason| reason.open().map_or("(erased)", String::as_str));
    [
        noted.time.to_string(),
        format!("{} {}", noted.actor_kind, noted.actor_id),
        noted.role.clone(),
        noted.question.clone(),
        noted.stream.to_string(),
        noted
            .request_id
            .as_ref()
            .map_or_else(String::new, ToString::to_string),
        reason.unwrap_or_default().to_owned(),
    ]
}

fn document(noted: &Noted) -> String {
    let document = json!({
        "time": noted.time,
        "actor": { "kind": noted.actor_kind, "id": noted.actor_id },
        "role": noted.role,
        "stream": noted.stream,
        "question": noted.question,
        "request_id": noted.request_id,
        "reason": noted.reason.as_ref().and_then(|reason| reason.open()),
    });
    format!("{document}\n")
}
