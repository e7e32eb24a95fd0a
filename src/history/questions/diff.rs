//! What differs between two points in time, and by which record.

use std::collections::BTreeMap;

use events::ids::{Position, Sequence};
use serde_json::{Value, json};

use super::Questions;
use crate::history::changes::{self, last_changes};
use crate::history::diff::{Difference, diff};
use crate::history::find::FoundStream;
use crate::history::{Entry, Error, Shape, When, parsed};

/// How many events of a customer are read first to find what made a difference; then twice as many.
const CHUNK: i64 = 128;

/// The differences between two points of a customer's history.
#[derive(Clone, Debug)]
pub struct Differences {
    /// Position of the first.
    pub from: Position,
    /// Position of the second.
    pub to: Position,
    /// What differs, each with the last record between that changed it.
    pub changes: Vec<(Difference, Option<Entry>)>,
}

impl Questions<'_> {
    /// What differs between two points in time, and by which record. Without the first, all since the
    /// birth; without the second, up to now.
    pub async fn diff(
        &self,
        id: &str,
        from: Option<When>,
        to: Option<When>,
        shape: &Shape,
    ) -> Result<Differences, Error> {
        let found = self.find(id).await?;
        let shape = shape.of(found.kind)?;
        let to = self.position(to, &found).await?;
        let before = match from {
            Some(from) => self.position(Some(from), &found).await?,
            None => Position::START,
        };
        if before > to {
            return Err(Error::Reversed { from: before, to });
        }
        self.note(&found.stream, "diff").await?;
        let ends = [
            self.past(&found, before).await?,
            self.past(&found, to).await?,
        ];
        for (past, is_given) in ends.iter().zip([from.is_some(), true]) {
            if past.sequence == Sequence::START && is_given {
                return Err(self.before_birth(&found).await?);
            }
        }
        if ends.iter().any(|past| past.is_erased) {
            return Err(Error::Erased);
        }
        let [a, b] = ends.map(|past| parsed(shape.document(&past.state).as_deref()));
        let differences = diff(&a, &b);
        let mut by = self.made(&found, before, to, &shape, &differences).await?;
        let by = |difference: Difference| {
            let entry = by.remove(&difference.pointer);
            (difference, entry)
        };
        Ok(Differences {
            from: before,
            to,
            changes: differences.into_iter().map(by).collect(),
        })
    }

    /// The last record that made each difference, looked for from the end: most are found in the
    /// first few that are read.
    async fn made(
        &self,
        found: &FoundStream,
        from: Position,
        to: Position,
        shape: &Shape,
        differences: &[Difference],
    ) -> Result<BTreeMap<String, Entry>, Error> {
        let mut open: Vec<&str> = differences.iter().map(|d| d.pointer.as_str()).collect();
        let mut made = BTreeMap::new();
        let (mut until, mut events) = (to, CHUNK);
        while !open.is_empty() && until > from {
            let after = self
                .back(found.kind, &found.stream, until, events)
                .await?
                .max(from);
            let history = self.history(found, after, until).await?;
            let last = last_changes(&history, shape, &open);
            open.retain(|pointer| !last.contains_key(*pointer));
            made.extend(
                last.into_iter()
                    .map(|(pointer, entry)| (pointer, entry.clone())),
            );
            (until, events) = (after, events * 2);
        }
        Ok(made)
    }
}

impl Differences {
    /// The differences as JSON, in an order in which they can be applied.
    pub fn json(&self) -> Value {
        let made = self.changes.iter();
        let made = made.map(|(difference, by)| changes::json(difference, by.as_ref()));
        json!({ "from": self.from, "to": self.to, "differences": made.collect::<Vec<_>>() })
    }
}
