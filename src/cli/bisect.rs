//! `ledger bisect` from the command line.

mod against;

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use clap::Args;
use events::ids::{Position, StreamId};
use serde_json::{Value, json};

use self::against::Disagreement;
use self::against::{Error, Pair, customers, records};
use crate::cli::error::{UsageError, no_answer};
use crate::cli::operator::operator;
use crate::cli::query::{self, Common, Desk, Ended, ShapeOptions};
use crate::cli::table::table;
use crate::config::Settings;
use crate::event_store::Ledger;
use crate::history::Shape;
use crate::history::access_log::{self, Access};
use crate::history::bisect::{Predicate, Turn};
use crate::history::cause;
use crate::history::find::find_customer;
use crate::history::questions::Questions;
use crate::history::questions::bisect::Sought;

/// Instead of an id: every customer.
const ALL: &str = "all";
/// How many customers are read at a time.
const PAGE: i64 = 500;

/// What to look for, in whose life.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Any id of the customer's or group's: of Medusa, of SHOPLINE or of the ledger. With `--against`
    /// a customer's, or `all`.
    id: String,
    /// A JSONPath (RFC 9535), true when it selects something: `$[?@.first_name=='Bob']`.
    #[arg(required_unless_present = "against", conflicts_with = "against")]
    predicate: Option<String>,
    /// Look by halving: faster, and right if it stayed true ever since it turned.
    #[arg(long, conflicts_with_all = ["every", "against"])]
    monotone: bool,
    /// Every turn, also those to false.
    #[arg(long, conflicts_with = "against")]
    every: bool,
    /// Another `ledger` executable: find where its documents differ first, of either shop.
    #[arg(long, value_name = "PATH")]
    against: Option<PathBuf>,
    /// In whose words. With `--against`, in all there are.
    #[command(flatten)]
    shape: ShapeOptions,
    /// How it is asked and printed.
    #[command(flatten)]
    common: Common,
}

/// What was looked for was not there; the exit code is 1.
#[derive(Debug, thiserror::Error)]
enum NotFound {
    /// No turn.
    #[error("the predicate turned true at no event")]
    NeverTrue,
    /// Not true at the end.
    #[error("the predicate is not true now: without --monotone, an earlier time is found")]
    NotTrueNow,
    /// Two releases part.
    #[error("the two releases disagree on {0} of {1} customers")]
    Disagree(usize, usize),
}

/// Asks as the owner of the database.
pub(super) async fn run(settings: &Settings, options: Options) -> Ended {
    let desk = Desk::open(settings).await?;
    let actor = operator();
    let questions = desk.questions(&actor, &options.common);
    match (&options.against, &options.predicate) {
        (Some(_), _) if options.shape.is_given() => {
            let sentence =
                "--against compares both shapes, whole: leave --shape and its options out";
            Err(UsageError::new(sentence).into())
        }
        (Some(path), _) => against(&desk, &questions, &options, path).await,
        (None, predicate) => {
            let predicate = predicate.as_deref().unwrap_or_default();
            let predicate = Predicate::parse(predicate).map_err(UsageError::new)?;
            turned(&desk, &questions, &options, &predicate).await
        }
    }
}

async fn turned(
    desk: &Desk,
    questions: &Questions<'_>,
    options: &Options,
    predicate: &Predicate,
) -> Ended {
    let shape = Shape::parse_whole(options.shape.asked(), &desk.store).map_err(UsageError::new)?;
    let sought = match (options.monotone, options.every) {
        (true, _) => Sought::Monotone,
        (false, true) => Sought::Every,
        (false, false) => Sought::First,
    };
    let turns = questions.bisect(&options.id, &shape, predicate, sought);
    let turns = turns.await.map_err(no_answer)?;
    let text = if options.common.json {
        let turns: Vec<Value> = turns.iter().map(document).collect();
        format!("{}\n", json!({ "turns": turns }))
    } else {
        turns.iter().map(text).collect()
    };
    desk.print(&text).await?;
    match (turns.is_empty(), sought) {
        (false, _) => Ok(()),
        (true, Sought::Monotone) => Err(NotFound::NotTrueNow.into()),
        (true, Sought::First | Sought::Every) => Err(NotFound::NeverTrue.into()),
    }
}

fn document(turn: &Turn) -> Value {
    json!({
        "is_true": turn.is_true,
        "by": cause::cause(&turn.by, true),
        "before": turn.before,
        "after": turn.after,
    })
}

/// The record, and below it what it changed.
fn text(turn: &Turn) -> String {
    let is_terminal = io::stdout().is_terminal();
    let [position, time, who, event] = query::cause(&turn.by);
    let request = turn.by.metadata().request_id.to_string();
    let row = [
        turn.is_true.to_string(),
        position,
        time,
        who,
        event,
        request,
    ];
    let head = ["turned", "position", "time", "actor", "event", "request"];
    let value = |value: Option<Value>| value.map_or_else(String::new, |value| value.to_string());
    let changes = turn.differences().into_iter().map(|difference| {
        let ends = [value(difference.from), value(difference.to)];
        [difference.pointer].into_iter().chain(ends)
    });
    table(&head, [row], is_terminal) + &table(&["pointer", "before", "after"], changes, is_terminal)
}

async fn against(desk: &Desk, questions: &Questions<'_>, options: &Options, path: &Path) -> Ended {
    let mut comparison = Comparison {
        questions,
        pair: Pair::start(path, &desk.store).await.map_err(unanswered)?,
        customers: 0,
        disagreements: vec![],
    };
    if options.id == ALL {
        let mut after = Position::START;
        loop {
            let page = customers(&desk.ledger, after, PAGE).await?;
            let Some((_, last)) = page.last() else { break };
            after = *last;
            let streams: Vec<&StreamId> = page.iter().map(|(stream, _)| stream).collect();
            comparison.compare(&streams).await?;
        }
    } else {
        let Ledger { pool, store, .. } = &desk.ledger;
        let found = find_customer(pool, store, &options.id).await;
        let found = found.map_err(no_answer)?;
        comparison.compare(&[&found.stream]).await?;
    }
    let Comparison {
        customers,
        disagreements,
        ..
    } = comparison;
    let text = if options.common.json {
        let document = json!({ "customers": customers, "disagreements": disagreements });
        format!("{document}\n")
    } else {
        let rows = disagreements.iter().map(|it| {
            let place = [
                it.customer.to_string(),
                it.position.to_string(),
                it.shape.to_owned(),
            ];
            place.into_iter().chain([it.pointers.join(" ")])
        });
        let head = ["customer", "position", "shape", "pointers"];
        table(&head, rows, io::stdout().is_terminal())
    };
    desk.print(&text).await?;
    match disagreements.len() {
        0 => Ok(()),
        count => Err(NotFound::Disagree(count, customers).into()),
    }
}

/// Two releases on their way through the customers.
struct Comparison<'a> {
    questions: &'a Questions<'a>,
    pair: Pair,
    customers: usize,
    disagreements: Vec<Disagreement>,
}

impl Comparison<'_> {
    /// Compares what the two make of customers. Their data is opened and handed on: that is logged.
    async fn compare(&mut self, streams: &[&StreamId]) -> Ended {
        let Questions { ledger, asker } = self.questions;
        let accesses = streams.iter().map(|stream| Access {
            store: &ledger.store,
            actor: asker.actor,
            stream,
            question: "bisect --against",
            request_id: asker.request_id,
            reason: asker.reason,
        });
        let accesses: Vec<_> = accesses.collect();
        access_log::note_all(&ledger.pool, &ledger.keyring, &accesses).await?;
        for stream in streams {
            let records = records(ledger, stream).await?;
            let disagreement = self.pair.compare(stream, records).await;
            self.disagreements.extend(disagreement.map_err(unanswered)?);
            self.customers += 1;
        }
        Ok(())
    }
}

/// An error of the command line: what the other executable is, or what could not be read.
fn unanswered(error: Error) -> Box<dyn std::error::Error> {
    match error {
        Error::NotRun(_) | Error::NoAnswer(_) => UsageError::new(error).into(),
        Error::Fold(_) | Error::Read(_) => error.into(),
    }
}
