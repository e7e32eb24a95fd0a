//! `ledger explain`: what became of a request, from the command line.

use std::error::Error;

use clap::Args;
use events::ids::RequestId;

use crate::cli::error::UsageError;
use crate::cli::owner::Owner;
use crate::config::{self, Settings};
use crate::history::explain::{Error as NotExplained, Kafka, find};
use crate::kafka::{Identity, topic};

/// Which request.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The id of any answer: its header `Ledger-Request-Id`, or SHOPLINE's `traceId`.
    request: String,
    /// One JSON document instead of lines.
    #[arg(long)]
    json: bool,
}

/// Asks as the owner of the database.
pub(super) async fn run(settings: &Settings, options: Options) -> Result<(), Box<dyn Error>> {
    let Options { request, json } = options;
    let request = RequestId::parse(&request).ok_or_else(|| {
        UsageError::new(
            "a request id is 32 hexadecimal digits: the header Ledger-Request-Id of any answer, or \
             SHOPLINE's traceId",
        )
    })?;
    let section: config::kafka::Section = settings.read()?;
    let config = section.client();
    let owner = Owner::open(settings).await?;
    let identity = Identity::load(&owner.pool).await?;
    let kafka = Kafka {
        topic: &topic(&section.prefix, identity.epoch),
        config: config.as_ref(),
    };
    let explained = match find(&owner.pool, &owner.store, &kafka, request).await {
        Ok(explained) => explained,
        Err(unknown @ NotExplained::Unknown) => return Err(UsageError::new(unknown).into()),
        Err(error @ NotExplained::Store(_)) => return Err(error.into()),
    };
    let text = if json {
        format!("{}\n", explained.to_json())
    } else {
        explained.to_string()
    };
    Ok(owner.print(&text).await?)
}
