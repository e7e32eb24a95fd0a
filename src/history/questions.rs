//! Questions to the past, as the command line and `/ledger` ask them: finds the customer and the point
//! in time, writes down who opens what, and answers with [`crate::history`].

pub mod bisect;

use std::collections::BTreeMap;

use events::ids::{Position, RequestId, Sequence, StoreName, StreamId};
use events::record::{Actor, StreamKind};
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::cli::owner::Wrong;
use crate::domain::claims::{MEDUSA_ID, SHOPLINE_ID};
use crate::event_store::Ledger;
use crate::event_store::StoreError;
use crate::event_store::read::as_of::{AsOf, FoundStream, STREAM, streams_of};
use crate::history::access_log::{self, Access};
use crate::history::blame::{Leaf, blame};
use crate::history::cause::{self, Logged};
use crate::history::changes::{self, last_changes};
use crate::history::diff::{Difference, diff};
use crate::history::{Entry, History, NoTime, Shape, ShapeError, State, When, parsed};

/// The most events on a page of a log.
pub const PAGE_MAX: i64 = 1000;
/// The events on a page of a log, where nothing else is asked for.
pub const PAGE: i64 = 100;
/// How many events of a customer are read first to find what made a difference; then twice as many.
const CHUNK: i64 = 128;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody has the id.
    #[error(
        "no customer or group has or had this id: give one of Medusa (cus_…, cgrp_…), of SHOPLINE (ten \
         digits) or of the ledger (26 letters and digits)"
    )]
    Unknown,
    /// A group has it.
    #[error("this is a group's id, and a customer's is needed")]
    Group,
    /// Several have it.
    #[error("several customers have this id: write medusa:ID, shopline:ID or ledger:ID")]
    Ambiguous,
    /// A point in time cannot be read.
    #[error(transparent)]
    Time(#[from] NoTime),
    /// It has not come so far.
    #[error("the ledger has not come to this position: its last is {head}")]
    BeyondHead {
        /// The last position.
        head: Position,
    },
    /// There was no such customer or group yet.
    #[error("it was not there yet: it was created at position {position}, {time}")]
    BeforeBirth {
        /// Where it begins.
        position: Position,
        /// When.
        time: Timestamp,
    },
    /// There was no such customer or group any more.
    #[error("it was deleted at position {position}, {time}: ask as of an earlier time")]
    Deleted {
        /// Where it ended.
        position: Position,
        /// When.
        time: Timestamp,
    },
    /// Nothing can be opened.
    #[error("the customer's personal data was erased: only the log is left")]
    Erased,
    /// The points in time are in the wrong order.
    #[error(
        "the first point in time ({from}) is after the second ({to}): give the earlier one first"
    )]
    Reversed {
        /// The first's position.
        from: Position,
        /// The second's position.
        to: Position,
    },
    /// A document cannot be shown so.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// What should be a pointer is none.
    #[error(
        "this is no JSON Pointer: write one like /addresses/0/zip, with ~1 for a slash and ~0 for ~"
    )]
    NotAPointer,
    /// A pointer leads nowhere.
    #[error("nothing stands at this pointer then: without a pointer, blame lists all there are")]
    NothingThere,
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] StoreError),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Read(error.into())
    }
}

/// Who asks, and why.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// Who.
    pub actor: &'a Actor,
    /// The request, over HTTP.
    pub request_id: Option<&'a RequestId>,
    /// Why, in the caller's words.
    pub reason: Option<&'a str>,
}

/// Somebody's questions to a store.
pub struct Questions<'a> {
    /// The store.
    pub ledger: &'a Ledger,
    /// Who asks.
    pub asker: Asker<'a>,
}

/// Which page of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The newest.
    Last,
    /// What follows a position.
    After(Position),
    /// What precedes a position.
    Before(Position),
}

/// A page of a log.
#[derive(Clone, Debug)]
pub struct Log {
    /// Whose it is.
    pub stream: StreamId,
    /// Its events, in order.
    pub events: Vec<Logged>,
}

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

/// The customer that has or had an id of either shop or of the ledger, else the group; `medusa:`,
/// `shopline:` or `ledger:` before it says whose it is.
pub async fn find(pool: &PgPool, store: &StoreName, id: &str) -> Result<FoundStream, Error> {
    let mut found = Err(Error::Unknown);
    for kind in [StreamKind::Customer, StreamKind::CustomerGroup] {
        found = find_of(pool, store, kind, id).await;
        if !matches!(found, Err(Error::Unknown)) {
            break;
        }
    }
    found
}

/// The customer that has or had an id.
pub async fn find_customer(
    pool: &PgPool,
    store: &StoreName,
    id: &str,
) -> Result<FoundStream, Error> {
    let found = find(pool, store, id).await?;
    match found.kind {
        StreamKind::Customer => Ok(found),
        StreamKind::CustomerGroup => Err(Error::Group),
    }
}

async fn find_of(
    pool: &PgPool,
    store: &StoreName,
    kind: StreamKind,
    id: &str,
) -> Result<FoundStream, Error> {
    let (kinds, id): (&[&str], &str) = match id.split_once(':') {
        Some(("medusa", id)) => (&[MEDUSA_ID], id),
        Some(("shopline", id)) => (&[SHOPLINE_ID], id),
        Some(("ledger", id)) => (&[STREAM], id),
        _ => (&[MEDUSA_ID, SHOPLINE_ID, STREAM], id),
    };
    let mut found = streams_of(pool, store, kind, id, kinds).await?;
    let first = found.pop().ok_or(Error::Unknown)?;
    if found.is_empty() {
        Ok(first)
    } else {
        Err(Error::Ambiguous)
    }
}

/// An error of the command line: what was asked is wrong, or the store could not be read.
pub fn wrong(error: Error) -> Box<dyn std::error::Error> {
    if let Error::Read(error) = error {
        error.into()
    } else {
        Wrong::new(error).into()
    }
}

impl Questions<'_> {
    /// The customer that has or had an id, else the group.
    pub async fn find(&self, id: &str) -> Result<FoundStream, Error> {
        find(&self.ledger.pool, &self.ledger.store, id).await
    }

    /// A page of what happened to a customer, or to a group. With `open`, the callers' words are opened.
    pub async fn log(&self, id: &str, page: Page, limit: i64, open: bool) -> Result<Log, Error> {
        let found = self.find(id).await?;
        match page {
            Page::After(position) if position > found.head => {
                return Err(Error::BeyondHead { head: found.head });
            }
            // What precedes the next one is all there is.
            Page::Before(position) if position > found.head.next() => {
                return Err(Error::BeyondHead { head: found.head });
            }
            Page::After(_) | Page::Before(_) | Page::Last => {}
        }
        if open {
            self.note(&found.stream, "log").await?;
        }
        let (kind, stream) = (found.kind, &found.stream);
        let (after, until) = match page {
            Page::After(after) => {
                let sequence = self
                    .ledger
                    .sequence_at(kind, stream, after)
                    .await?
                    .plus(limit);
                let end = self.ledger.place_of(kind, stream, sequence).await?;
                (after, end.map_or(found.head, |(position, _)| position))
            }
            Page::Last => (
                self.back(kind, stream, found.head, limit).await?,
                found.head,
            ),
            Page::Before(before) => {
                let until = before.previous().min(found.head);
                (self.back(kind, stream, until, limit).await?, until)
            }
        };
        let history = self.ledger.history(kind, stream, after, until).await?;
        let mut events = cause::log(&history);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        match page {
            Page::After(_) => events.truncate(limit),
            Page::Last | Page::Before(_) => {
                events.drain(..events.len().saturating_sub(limit));
            }
        }
        Ok(Log {
            stream: found.stream,
            events,
        })
    }

    /// What the contract's GET answered then, byte for byte; without a point in time, what it answers
    /// now.
    pub async fn show(
        &self,
        id: &str,
        as_of: Option<When>,
        shape: &Shape,
    ) -> Result<String, Error> {
        let found = self.find(id).await?;
        let shape = shape.of(found.kind)?;
        let position = self.position(as_of, &found).await?;
        self.note(&found.stream, "show").await?;
        let past = self.past(&found, position).await?;
        self.document(&found, &past, &shape).await
    }

    /// A customer as it was, for a contract's own GET: none where that found nobody. `kind` is that of
    /// the contract's ids.
    pub async fn then(
        &self,
        kind: &str,
        id: &str,
        as_of: When,
        question: &str,
    ) -> Result<Option<State>, Error> {
        let Ledger { pool, store, .. } = self.ledger;
        let Some(found) = streams_of(pool, store, StreamKind::Customer, id, &[kind])
            .await?
            .pop()
        else {
            return Ok(None);
        };
        let position = self.position(Some(as_of), &found).await?;
        self.note(&found.stream, question).await?;
        let past = self.past(&found, position).await?;
        Ok((past.state.is_live() && !past.is_erased).then_some(past.state))
    }

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

    /// Each leaf of the document at a point in time, or of what stands at a pointer in it, with the
    /// record that made it so.
    pub async fn blame(
        &self,
        id: &str,
        pointer: Option<&str>,
        as_of: Option<When>,
        shape: &Shape,
    ) -> Result<Vec<Leaf>, Error> {
        let found = self.find(id).await?;
        let shape = shape.of(found.kind)?;
        let pointer = pointer.map(|pointer| below(found.kind, pointer));
        let pointer = pointer.transpose()?;
        let position = self.position(as_of, &found).await?;
        self.note(&found.stream, "blame").await?;
        let past = self.past(&found, position).await?;
        let document = self.document(&found, &past, &shape).await?;
        if let Some(pointer) = &pointer
            && parsed(Some(&document)).pointer(pointer).is_none()
        {
            return Err(Error::NothingThere);
        }
        let history = self.history(&found, Position::START, position).await?;
        let mut leaves = blame(&history, &shape);
        if let Some(pointer) = pointer {
            let is_below = |leaf: &str| {
                let rest = leaf.strip_prefix(&pointer);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            leaves.retain(|leaf| is_below(&leaf.pointer));
        }
        Ok(leaves)
    }

    /// The position of a point in time; now is the ledger's last.
    pub async fn position(
        &self,
        when: Option<When>,
        found: &FoundStream,
    ) -> Result<Position, Error> {
        match when {
            None => Ok(found.head),
            Some(When::Time(time)) => Ok(self.ledger.position_at(time).await?.min(found.head)),
            Some(When::Position(position)) if position > found.head => {
                Err(Error::BeyondHead { head: found.head })
            }
            Some(When::Position(position)) => Ok(position),
        }
    }

    /// Writes down that a customer's personal data is about to be shown.
    pub async fn note(&self, stream: &StreamId, question: &str) -> Result<(), Error> {
        let access = Access {
            store: &self.ledger.store,
            actor: self.asker.actor,
            stream,
            question,
            request_id: self.asker.request_id,
            reason: self.asker.reason,
        };
        Ok(access_log::note(&self.ledger.pool, &self.ledger.keyring, &access).await?)
    }

    /// What was found, as it was right after a position.
    pub(crate) async fn past(
        &self,
        found: &FoundStream,
        position: Position,
    ) -> Result<AsOf, StoreError> {
        let (kind, stream) = (found.kind, &found.stream);
        self.ledger.past(kind, stream, position).await
    }

    /// What happened to what was found after a position, up to another.
    pub(crate) async fn history(
        &self,
        found: &FoundStream,
        after: Position,
        until: Position,
    ) -> Result<History, StoreError> {
        let (kind, stream) = (found.kind, &found.stream);
        self.ledger.history(kind, stream, after, until).await
    }

    async fn document(
        &self,
        found: &FoundStream,
        past: &AsOf,
        shape: &Shape,
    ) -> Result<String, Error> {
        if past.sequence == Sequence::START {
            return Err(self.before_birth(found).await?);
        }
        if past.is_erased {
            return Err(Error::Erased);
        }
        if let Some(document) = shape.document(&past.state) {
            return Ok(document);
        }
        let (kind, stream) = (found.kind, &found.stream);
        let end = self.ledger.place_of(kind, stream, past.sequence).await?;
        let (position, time) = end.ok_or(Error::Unknown)?;
        Err(Error::Deleted { position, time })
    }

    pub(crate) async fn before_birth(&self, found: &FoundStream) -> Result<Error, Error> {
        let birth = self
            .ledger
            .place_of(found.kind, &found.stream, Sequence::FIRST)
            .await?;
        Ok(
            birth.map_or(Error::Unknown, |(position, time)| Error::BeforeBirth {
                position,
                time,
            }),
        )
    }

    /// The position after which a stream's last so many events begin, as of another.
    async fn back(
        &self,
        kind: StreamKind,
        stream: &StreamId,
        until: Position,
        events: i64,
    ) -> Result<Position, Error> {
        let sequence = self.ledger.sequence_at(kind, stream, until).await?;
        let sequence = sequence.plus(-events);
        let place = self.ledger.place_of(kind, stream, sequence).await?;
        Ok(place.map_or(Position::START, |(position, _)| position))
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

impl Log {
    /// The page as JSON. `previous` and `next` are positions to ask `before` and `after`; what follows
    /// may not have happened yet.
    pub fn json(&self, open: bool) -> Value {
        let is_birth = |logged: &&Logged| {
            logged.entry.stream() == &self.stream && logged.entry.sequence() == Sequence::FIRST
        };
        let first = self.events.first().filter(|logged| !is_birth(logged));
        json!({
            "events": self.events.iter().map(|logged| logged.json(open)).collect::<Vec<_>>(),
            "previous": first.map(|logged| logged.entry.position()),
            "next": self.events.last().map(|logged| logged.entry.position()),
        })
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

/// The leaves as JSON.
pub fn blame_json(leaves: &[Leaf]) -> Value {
    let leaf = |leaf: &Leaf| {
        json!({
            "pointer": leaf.pointer,
            "value": leaf.value,
            "by": cause::cause(&leaf.by, true),
        })
    };
    json!({ "leaves": leaves.iter().map(leaf).collect::<Vec<_>>() })
}

/// A JSON Pointer into a document; what does not begin there begins at the customer or group in it.
fn below(kind: StreamKind, pointer: &str) -> Result<String, Error> {
    let member = match kind {
        StreamKind::Customer => "customer",
        StreamKind::CustomerGroup => "customer_group",
    };
    let is_escaped = |step: &str| {
        step.split('~')
            .skip(1)
            .all(|rest| rest.starts_with(['0', '1']))
    };
    if !pointer.is_empty() && !pointer.starts_with('/') || !is_escaped(pointer) {
        return Err(Error::NotAPointer);
    }
    let is_whole = pointer.is_empty() || pointer.split('/').nth(1) == Some(member);
    Ok(if is_whole {
        pointer.to_owned()
    } else {
        format!("/{member}{pointer}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_begins_at_the_document_or_at_the_customer_in_it() {
        let read = |pointer: &str| below(StreamKind::Customer, pointer).ok();
        for (pointer, expected) in [
            ("", Some("")),
            ("/customer/email", Some("/customer/email")),
            ("/email", Some("/customer/email")),
            ("/metadata/a~1b~0", Some("/customer/metadata/a~1b~0")),
            ("email", None),
            ("/a~2", None),
            ("/a~", None),
        ] {
            assert_eq!(read(pointer).as_deref(), expected, "{pointer}");
        }
    }
}
