//! `ledger epoch`: going on after the store lost positions that Kafka knows.
//!
//! A new epoch has a topic of its own, filled from position 1; the old one is left as it ends. The
//! views are built anew. What was lost stays on record in the table `losses`.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use clap::Subcommand;
use events::ids::Position;
use sqlx::Connection as _;

use crate::cli::owner::{self, Owner};
use crate::config::{self, ConfigError, Settings};
use crate::kafka::projector::{self, Projection};
use crate::kafka::relay::{self, Loss};
use crate::kafka::{self, Identity};

/// What to do with the ledger's epoch.
#[derive(Debug, Subcommand)]
pub(super) enum Epoch {
    /// Begin a new epoch after the store was restored, or failed over to a copy that lagged: prints a
    /// line for each record that is lost.
    Advance {
        /// The positions that are lost, as the log and `/ready` say them: FIRST..LAST.
        #[arg(long, value_name = "FIRST..LAST")]
        accept_loss: Positions,
    },
}

/// Positions from the first to the last of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Positions {
    first: Position,
    last: Position,
}

impl FromStr for Positions {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = |number: &str| {
            number
                .parse()
                .ok()
                .filter(|position| *position >= Position::FIRST)
        };
        let (first, last) = text.split_once("..").unwrap_or_default();
        match (parse(first), parse(last)) {
            (Some(first), Some(last)) if first <= last => Ok(Self { first, last }),
            _ => Err("positions are written FIRST..LAST, as in 16..20"),
        }
    }
}

impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.first, self.last)
    }
}

/// Why no epoch began.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The owner of the database could not do it.
    #[error(transparent)]
    Owner(#[from] owner::Error),
    /// There is no Kafka to ask.
    #[error("KAFKA_BROKERS is not set, and only Kafka knows what was lost")]
    NoKafka,
    /// The relay is at work.
    #[error("a relay is running: stop every process that has this role first")]
    RelayRuns,
    /// Kafka did not say what it has.
    #[error("Kafka, which knows what was lost, could not be asked")]
    Relay(#[from] relay::Error),
    /// The store has everything that Kafka has.
    #[error("nothing is lost: the store has every record that Kafka has")]
    NothingLost,
    /// It is another loss.
    #[error("positions {found} are lost, not {named}: nothing was changed")]
    OtherLoss {
        /// What is lost.
        found: Positions,
        /// What was to be accepted.
        named: Positions,
    },
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        owner::Error::from(error).into()
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        owner::Error::from(error).into()
    }
}

/// Does it as the owner of the database.
pub(super) async fn run(settings: &Settings, epoch: Epoch) -> Result<(), Error> {
    let Epoch::Advance { accept_loss: named } = epoch;
    let kafka = settings.read::<config::kafka::Section>()?.client();
    let kafka = kafka.ok_or(Error::NoKafka)?;
    let owner = Owner::open(settings).await?;
    let identity = Identity::load(&owner.pool).await?;
    let options = owner.pool.connect_options();
    // Held until the end: the next relay begins in the new epoch.
    let halt = relay::halt(&kafka, &options, &identity, &owner.pool).await?;
    let halt = halt.ok_or(Error::RelayRuns)?;
    let loss = halt.loss.as_ref().ok_or(Error::NothingLost)?;
    let found = Positions {
        first: loss.first,
        last: loss.last,
    };
    if found != named {
        return Err(Error::OtherLoss { found, named });
    }
    advance(&owner, loss).await?;
    let topic = kafka::topic(&kafka.prefix, loss.next_epoch);
    Ok(owner.print(&report(loss, &topic)).await?)
}

/// All of it or nothing.
async fn advance(owner: &Owner, loss: &Loss) -> Result<(), sqlx::Error> {
    let mut connection = owner.pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    sqlx::query("insert into losses (epoch, first, last, topics) values ($1, $2, $3, $4)")
        .bind(loss.next_epoch)
        .bind(loss.first)
        .bind(loss.last)
        .bind(&loss.topics)
        .execute(&mut *transaction)
        .await?;
    sqlx::query("update ledger set epoch = $1")
        .bind(loss.next_epoch)
        .execute(&mut *transaction)
        .await?;
    sqlx::query("delete from sent_positions")
        .execute(&mut *transaction)
        .await?;
    for projection in Projection::ALL {
        projector::clear(projection, &mut transaction).await?;
    }
    transaction.commit().await
}

/// A line for each lost record, as far as its topic says what it was, and where the ledger goes on.
fn report(loss: &Loss, topic: &str) -> String {
    let mut text = String::new();
    for record in &loss.records {
        writeln!(
            text,
            "lost {} {} {} {} {}",
            record.position, record.time, record.stream, record.sequence, record.event_type
        )
        .expect("writing to a text never fails");
    }
    let (first, last, epoch) = (loss.first, loss.last, loss.next_epoch);
    writeln!(
        text,
        "positions {first}..{last} are accepted as lost: epoch {epoch} goes on in the topic {topic}"
    )
    .expect("writing to a text never fails");
    text
}
