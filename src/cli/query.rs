//! What the commands that ask the past share: how they are asked, and as whom they ask.

use std::error::Error;

use clap::Args;
use events::ids::StreamId;
use jiff::Timestamp;
use projections::shopline::Store;

use super::error::{UsageError, no_answer};
use super::owner::{self, Owner};
use crate::config::{Settings, StoreConfig};
use crate::event_store::Ledger;
use crate::history::find::find_customer;
use crate::history::questions::{Asker, Questions};
use crate::history::{Entry, When, shape};

/// What a command ends with.
pub(crate) type Ended = Result<(), Box<dyn Error>>;

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
    pub(super) reason: Option<String>,
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
pub(super) fn words(entry: &Entry) -> String {
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
    pub(super) async fn customer(&self, id: &str) -> Result<StreamId, Box<dyn Error>> {
        let found = find_customer(&self.pool, &self.store, id).await;
        Ok(found.map_err(no_answer)?.stream)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long ago something was is asked of the clock"
)]
pub(crate) fn when(text: &str) -> Result<When, UsageError> {
    When::parse(text, Timestamp::now()).map_err(UsageError::new)
}
