//! `ledger fixture`: prints a customer's stream as a test fixture.

use std::error::Error;

use clap::Args;
use events::ids::{Sequence, StreamId};

use crate::cli::error::UsageError;
use crate::cli::operator::operator;
use crate::cli::owner::Owner;
use crate::config::Settings;
use crate::event_store::StoreError;
use crate::event_store::reader;
use crate::history::access_log::{self, Access};
use crate::history::fixture::{Fixture, FixtureEvent, redact};

/// Whose stream, and what to leave out of it.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Any id of the customer's.
    id: String,
    /// Take personal data out.
    #[arg(long, conflicts_with = "open")]
    redact: bool,
    /// Leave personal data in: nothing for a repository.
    #[arg(long)]
    open: bool,
    /// Why, for the access log.
    #[arg(long)]
    reason: Option<String>,
}

/// Reads as the owner of the database. Either way personal data is opened, and that is logged.
pub(super) async fn run(settings: &Settings, options: Options) -> Result<(), Box<dyn Error>> {
    let question = match (options.redact, options.open) {
        (true, _) => "fixture --redact",
        (_, true) => "fixture --open",
        (false, false) => {
            return Err(UsageError::new(
                "a fixture holds personal data unless it is taken out: say --redact, or --open",
            )
            .into());
        }
    };
    let owner = Owner::open(settings).await?;
    let stream = owner.customer(&options.id).await?;
    let access = Access {
        store: &owner.store,
        actor: &operator(),
        stream: &stream,
        question,
        request_id: None,
        reason: options.reason.as_deref(),
    };
    access_log::note(&owner.pool, &owner.keyring, &access).await?;
    let mut fixture = read(&owner, stream).await?;
    if options.redact {
        redact(fixture.events.iter_mut().map(|event| &mut event.payload));
        fixture.redacted = true;
    }
    Ok(owner.print(&fixture.to_text()).await?)
}

/// The customer's stream as it was written, personal values open.
async fn read(owner: &Owner, stream: StreamId) -> Result<Fixture, StoreError> {
    let mut connection = owner.pool.acquire().await?;
    let stored = reader::stream(
        &mut *connection,
        Fixture::KIND,
        &stream,
        Sequence::START,
        Sequence::MAX,
    )
    .await?;
    let keys = reader::keys(&mut connection, &owner.keyring, &[&stream]).await?;
    let key = keys.get(&stream).map(AsRef::as_ref);
    let events = stored.iter().map(|stored| {
        let opened = reader::unseal(stored, key)?;
        Ok::<_, StoreError>(FixtureEvent {
            position: opened.position,
            time: opened.time,
            version: opened.version,
            payload: opened.payload,
        })
    });
    Ok(Fixture {
        version: Fixture::VERSION,
        events: events.collect::<Result<_, _>>()?,
        stream,
        redacted: false,
    })
}
