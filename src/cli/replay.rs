//! `ledger replay` from the command line: one step after the other, or as the standard input says.

mod page;

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use clap::Args;
use serde_json::json;

use self::page::page;
use crate::cli::error::{UsageError, no_answer};
use crate::cli::operator::operator;
use crate::cli::query::{Common, Desk, Ended, ShapeOptions, when};
use crate::config::Settings;
use crate::history::Shape;
use crate::history::cause::cause;
use crate::history::replay::{Move, Replay, Step};

/// What stands before a line of a terminal.
const PROMPT: &str = "n next, p previous, j POSITION, q quit> ";

/// Whose life, and how far.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Any id of the customer's or group's: of Medusa, of SHOPLINE or of the ledger.
    id: String,
    /// Only up to then: a position (1093), a time (2026-03-01T10:00Z), a date, or how long ago.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Step by step, as lines of the standard input say: n (next), p (previous), j POSITION (jump),
    /// q (quit). Without it, all steps at once.
    #[arg(long)]
    step: bool,
    /// In whose words.
    #[command(flatten)]
    shape: ShapeOptions,
    /// How it is asked and printed.
    #[command(flatten)]
    common: Common,
}

/// Asks as the owner of the database.
pub(super) async fn run(settings: &Settings, options: Options) -> Ended {
    let desk = Desk::open(settings).await?;
    let shape = Shape::parse_whole(options.shape.asked(), &desk.store).map_err(UsageError::new)?;
    let until = options.until.as_deref().map(when).transpose()?;
    let actor = operator();
    let questions = desk.questions(&actor, &options.common);
    let replay = questions.replay(&options.id, until, &shape).await;
    let mut replay = replay.map_err(no_answer)?;
    // Nothing more is read: a person who looks for long holds no connection.
    desk.ledger.pool.close().await;
    let show = if options.common.json { document } else { text };
    if options.step {
        walk(&mut replay, show)
    } else {
        let mut out = io::stdout().lock();
        while let Some(step) = replay.step() {
            out.write_all(show(&step).as_bytes())?;
            if replay.go(Move::Next).is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// Goes where the lines of the standard input say, until they end.
fn walk(replay: &mut Replay, show: fn(&Step<'_>) -> String) -> Ended {
    let (mut lines, mut out) = (io::stdin().lock().lines(), io::stdout().lock());
    let prompt = if io::stdin().is_terminal() && io::stdout().is_terminal() {
        PROMPT
    } else {
        ""
    };
    let mut said = replay.step().as_ref().map(show).unwrap_or_default();
    loop {
        write!(out, "{said}{prompt}")?;
        out.flush()?;
        let Some(line) = lines.next().transpose()? else {
            return Ok(());
        };
        said = match Move::parse(&line).and_then(|to| replay.go(to).map(|()| to)) {
            Ok(Move::Quit) => return Ok(()),
            Ok(Move::Next | Move::Previous | Move::Jump(_)) => {
                replay.step().as_ref().map(show).unwrap_or_default()
            }
            Err(stay) => format!("{stay}\n"),
        };
    }
}

fn text(step: &Step<'_>) -> String {
    page(step, io::stdout().is_terminal())
}

fn document(step: &Step<'_>) -> String {
    let document = json!({
        "step": step.number,
        "of": step.count,
        "by": cause(step.entry, true),
        "before": step.before,
        "after": step.after,
    });
    format!("{document}\n")
}
