//! `ledger rebuild`, from the command line.
//!
//! The outcome is printed to the standard output, progress to the standard error: a bar on a terminal,
//! else a line now and then.

use std::error::Error;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use events::record::{Actor, StreamKind};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::cli::error::UsageError;
use crate::cli::operator::operator;
use crate::cli::owner::Owner;
use crate::cli::table::escaped;
use crate::config::{self, Settings};
use crate::event_store::keys::keyring::Keyring;
use crate::history::access_log::{self, Access};
use crate::kafka::projector::Projection;
use crate::kafka::{self, Identity};
use crate::rebuild::{Compared, Differing, Error as NotDone, Phase, Progress, Rebuild, Switched};

/// How often progress is told without a terminal.
const TOLD_EVERY: Duration = Duration::from_secs(5);
/// How often a bar is drawn at least.
const DRAWN_EVERY: Duration = Duration::from_millis(100);

/// What to rebuild, and how.
#[derive(Args, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(super) struct Options {
    /// Whose tables.
    #[arg(value_parser = Views::parser())]
    view: Views,
    /// Switch nothing: print what differs from the events, a line for each place, and exit with 1 if
    /// anything does.
    #[arg(long, conflicts_with_all = ["back", "forget"])]
    compare: bool,
    /// Print what stands there, too, and what should: written to the access log.
    #[arg(long, requires = "compare")]
    values: bool,
    /// Why, for the access log.
    #[arg(long, requires = "values")]
    reason: Option<String>,
    /// Put the tables back that were replaced last, with everything that happened since.
    #[arg(long, conflicts_with = "forget")]
    back: bool,
    /// Drop the tables that were replaced last, and what an interrupted rebuild left.
    #[arg(long)]
    forget: bool,
    /// Print JSON, an object a line.
    #[arg(long)]
    json: bool,
}

/// Whose tables.
#[derive(Clone, Debug)]
struct Views(Vec<Projection>);

impl Views {
    /// Takes the name of a projection, or `all`.
    fn parser() -> impl TypedValueParser<Value = Self> {
        let one =
            |projection: Projection| PossibleValue::new(projection.name()).help(projection.about());
        let all = PossibleValue::new("all").help("One after the other");
        let names = Projection::ALL.into_iter().map(one).chain([all]);
        PossibleValuesParser::new(names).map(|name| {
            let is_meant = |one: &Projection| name == "all" || name == one.name();
            Self(Projection::ALL.into_iter().filter(is_meant).collect())
        })
    }
}

/// What `--compare` found.
#[derive(Debug, thiserror::Error)]
#[error("{0} rows are not what the events say: `ledger rebuild` mends them")]
struct Differ(i64);

/// What all projections of one command have in common.
struct Command {
    options: Options,
    pool: PgPool,
    keyring: Arc<Keyring>,
    topic: String,
    operator: Actor,
}

/// Does it as the owner of the database.
pub(super) async fn run(settings: &Settings, options: Options) -> Result<(), Box<dyn Error>> {
    let Owner { pool, keyring, .. } = Owner::open(settings).await?;
    let config::kafka::Section { prefix, .. } = settings.read()?;
    let identity = Identity::load(&pool).await?;
    let command = Command {
        pool,
        keyring: Arc::new(keyring),
        topic: kafka::topic(&prefix, identity.epoch),
        operator: operator(),
        options,
    };
    let mut differing = 0;
    for projection in &command.options.view.0 {
        differing += command.run(*projection).await?;
    }
    if differing > 0 {
        return Err(Differ(differing).into());
    }
    Ok(())
}

impl Command {
    /// Does it for one projection; says how many rows differ that still do.
    async fn run(&self, projection: Projection) -> Result<i64, Box<dyn Error>> {
        let name = projection.name();
        let options = (*self.pool.connect_options()).clone();
        let (keyring, topic) = (Arc::clone(&self.keyring), self.topic.clone());
        let mut rebuild = Rebuild::begin(options, keyring, topic, projection).await?;
        let Options { json, back, .. } = self.options;
        if self.options.forget {
            print_forgotten(json, name, rebuild.forget().await?)?;
            return Ok(0);
        }
        if !rebuild.is_followed().await? {
            let unsent = format!(
                "{name}: nothing was sent to the topic {} yet, so that no row that is missing or \
                 behind is told as differing; is KAFKA_PREFIX the running ledger's?",
                self.topic
            );
            writeln!(io::stderr().lock(), "{unsent}")?;
        }
        let shown = tokio::spawn(show(name, rebuild.progress()));
        if self.options.compare {
            let found = rebuild.compare(async |row| self.tell(&row).await).await;
            shown.await?;
            let found = found?;
            print_found(json, name, found)?;
            return Ok(found.differing);
        }
        let silent = async |_differing| Ok(());
        let switched = if back {
            rebuild.back(silent).await
        } else {
            rebuild.switch(silent).await
        };
        shown.await?;
        match switched {
            Ok(switched) => print_switched(json, name, back, &switched)?,
            Err(nothing @ NotDone::NothingKept(_)) => return Err(UsageError::new(nothing).into()),
            Err(error) => return Err(error.into()),
        }
        Ok(0)
    }

    /// A line for each place in which a row differs. Values are personal: places are not.
    async fn tell(&self, row: &Differing) -> Result<(), NotDone> {
        let values = self.options.values;
        if values && row.kind == StreamKind::Customer {
            let access = Access {
                store: &row.store,
                actor: &self.operator,
                stream: &row.stream,
                question: "rebuild --compare --values",
                request_id: None,
                reason: self.options.reason.as_deref(),
            };
            access_log::note(&self.pool, &self.keyring, &access).await?;
        }
        let mut places: Vec<_> = row
            .differences
            .iter()
            .map(|difference| (place(&difference.pointer, values), difference))
            .collect();
        places.dedup_by(|(a, _), (b, _)| !values && a == b);
        for (pointer, difference) in places {
            let (table, id, position) = (row.table, &row.id, row.position);
            let mut object = json!({
                "table": table, "stream": row.stream, "id": id, "position": position,
                "pointer": pointer,
            });
            // A pointer to the whole is empty.
            let mut line = format!("{table} {id} {position} {pointer:?}");
            if let (true, Value::Object(object)) = (values, &mut object) {
                let (held, made) = (json!(difference.from), json!(difference.to));
                line = format!("{line} {held} → {made}");
                object.insert("live".to_owned(), held);
                object.insert("rebuilt".to_owned(), made);
            }
            print(self.options.json, &object, &line)?;
        }
        Ok(())
    }
}

/// A place as it may be told: the names of a metadata's members are as personal as values.
fn place(pointer: &str, with_values: bool) -> String {
    match pointer.split_once("/metadata/") {
        Some((before, _)) if !with_values => format!("{before}/metadata"),
        _ => pointer.to_owned(),
    }
}

fn print_forgotten(as_json: bool, name: &str, there: bool) -> io::Result<()> {
    let object = json!({ "view": name, "forgotten": there });
    let line = if there {
        format!("{name}: all tables but the live ones are dropped")
    } else {
        format!("{name}: there are no tables but the live ones")
    };
    print(as_json, &object, &line)
}

fn print_found(as_json: bool, name: &str, found: Compared) -> io::Result<()> {
    let Compared { rows, differing } = found;
    let object = json!({ "view": name, "rows": rows, "differing": differing });
    let line = format!("{name}: {rows} rows compared, {differing} differ");
    print(as_json, &object, &line)
}

fn print_switched(
    as_json: bool,
    name: &str,
    went_back: bool,
    switched: &Switched,
) -> io::Result<()> {
    let Switched {
        found: Compared { rows, differing },
        position,
        folded_in: _,
        locked_for,
    } = switched;
    let locked_ms = locked_for.as_secs_f64() * 1000.0;
    let object = json!({
        "view": name, "rows": rows, "differing": differing, "position": position,
        "went_back": went_back, "locked_ms": locked_ms,
    });
    let came = if went_back { "back" } else { "made anew" };
    let line = format!(
        "{name}: {came} up to position {position}; {differing} of {rows} rows were different; live \
         tables locked for {locked_ms:.0} ms, the replaced ones are kept"
    );
    print(as_json, &object, &line)
}

fn print(as_json: bool, object: &Value, line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if as_json {
        writeln!(out, "{object}")
    } else {
        writeln!(out, "{}", escaped(line))
    }
}

const fn doing(phase: Phase) -> &'static str {
    match phase {
        Phase::Begins => "begins",
        Phase::Folds => "folds events",
        Phase::Indexes => "makes indexes",
        Phase::Compares => "compares rows",
        Phase::Switches => "switches",
    }
}

/// Shows progress until there is no more.
async fn show(name: &'static str, progress: watch::Receiver<Progress>) {
    if io::stderr().is_terminal() {
        draw(name, progress).await;
    } else {
        write_lines(name, progress).await;
    }
}

async fn draw(name: &'static str, mut progress: watch::Receiver<Progress>) {
    let bar = ProgressBar::no_length();
    let template = "{prefix}: {msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(name);
    bar.enable_steady_tick(DRAWN_EVERY);
    while progress.changed().await.is_ok() {
        let Progress { phase, done, total } = *progress.borrow_and_update();
        bar.set_length(total);
        bar.set_position(done);
        bar.set_message(doing(phase));
    }
    bar.finish_and_clear();
}

async fn write_lines(name: &'static str, mut progress: watch::Receiver<Progress>) {
    let mut told = (Phase::Begins, Instant::now());
    let mut began = Instant::now();
    while progress.changed().await.is_ok() {
        let Progress { phase, done, total } = *progress.borrow_and_update();
        if phase != told.0 {
            began = Instant::now();
        } else if told.1.elapsed() < TOLD_EVERY {
            continue;
        }
        told = (phase, Instant::now());
        let line = format!("{name}: {}, {done} of {total} events", doing(phase));
        let spent_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let rate = done * 1000 / spent_ms.max(1);
        let line = if phase == Phase::Folds && rate > 0 {
            format!(
                "{line}, {rate}/s, {} s left",
                total.saturating_sub(done) / rate
            )
        } else {
            line
        };
        drop(writeln!(io::stderr().lock(), "{line}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_names_no_member_of_a_metadata_unless_values_may_be_seen() {
        for (pointer, told) in [
            ("/metadata/her name", "/metadata"),
            (
                "/shipping_addresses/0/metadata/a/metadata/b",
                "/shipping_addresses/0/metadata",
            ),
            ("/metadata", "/metadata"),
            ("/email", "/email"),
            ("", ""),
        ] {
            assert_eq!(place(pointer, false), told);
            assert_eq!(place(pointer, true), pointer);
        }
    }
}
