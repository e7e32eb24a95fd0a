//! `ledger access-log`: who opened whose personal data, from the command line.

use std::error::Error;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::{Noted, list};
use crate::config::Settings;
use crate::owner::Owner;

/// Which accesses.
#[derive(Debug, Args)]
pub struct Options {
    /// Any id of a customer's; without it, accesses to all.
    id: Option<String>,
    /// Only those since then.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// A JSON document a line instead of text.
    #[arg(long)]
    json: bool,
}

/// Reads as the owner of the database, the only one who may.
pub async fn run(settings: &Settings, options: Options) -> Result<(), Box<dyn Error>> {
    let owner = Owner::open(settings).await?;
    let stream = match &options.id {
        Some(id) => Some(owner.customer(id).await?),
        None => None,
    };
    let Owner {
        pool,
        keyring,
        store,
    } = &owner;
    let noted = list(pool, keyring, store, stream.as_deref(), options.since).await?;
    let line = if options.json { document } else { text };
    let lines: String = noted.iter().map(line).collect();
    Ok(owner.print(&lines).await?)
}

fn text(noted: &Noted) -> String {
    let reason = noted.reason.as_ref().map(|reason| {
        let told = reason.open().map_or("(erased)", String::as_str);
        format!(": {}", told.escape_debug())
    });
    format!(
        "{} {} {} asked {} of {}{}\n",
        noted.time,
        noted.actor_kind,
        noted.actor_id,
        noted.question,
        noted.stream,
        reason.unwrap_or_default()
    )
}

fn document(noted: &Noted) -> String {
    let document = json!({
        "time": noted.time,
        "actor_kind": noted.actor_kind,
        "actor_id": noted.actor_id,
        "role": noted.role,
        "stream": noted.stream,
        "question": noted.question,
        "request": noted.request_id,
        "reason": noted.reason.as_ref().and_then(|reason| reason.open()),
    });
    format!("{document}\n")
}
