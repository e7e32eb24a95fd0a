//! `ledger fold`: records in, documents out, a line each.

use std::error::Error as StdError;
use std::io::{self, BufRead, Write};

use crate::cli::error::UsageError;
use crate::history::fold_protocol::{Begin, Error, Folder, Line};

/// Folds the standard input to its end.
pub fn run() -> Result<(), Box<dyn StdError>> {
    answer(io::stdin().lock(), io::stdout().lock(), Folder::new)
}

/// Folds an input to its end, by the folder that its first line asks for. Every answer is sent at once:
/// the other release waits for it.
pub fn answer(
    input: impl BufRead,
    mut out: impl Write,
    start: impl Fn(&Begin) -> Result<Folder, Error>,
) -> Result<(), Box<dyn StdError>> {
    let mut folder = None;
    for line in input.lines() {
        let line = serde_json::from_str(&line?).map_err(|_unknown| UsageError::new(Error::Line))?;
        match (line, &mut folder) {
            (Line::Begin(begin), None) => folder = Some(start(&begin).map_err(UsageError::new)?),
            (Line::Customer { .. }, Some(folder)) => folder.next_customer(),
            (Line::Record(record), Some(folder)) => {
                let documents = folder.fold(*record).map_err(UsageError::new)?;
                serde_json::to_writer(&mut out, &documents)?;
                writeln!(out)?;
                out.flush()?;
            }
            (Line::Begin(_), Some(_)) | (Line::Customer { .. } | Line::Record(_), None) => {
                return Err(UsageError::new(Error::Begin).into());
            }
        }
    }
    Ok(())
}
