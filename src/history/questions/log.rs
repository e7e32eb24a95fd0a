//! What happened to a customer or a group, a page at a time.

use events::ids::{Position, Sequence, StreamId};
use serde_json::{Value, json};

use super::Questions;
use crate::history::Error;
use crate::history::cause::{self, Logged};

/// The most events on a page of a log.
pub(crate) const PAGE_MAX: i64 = 1000;
/// The events on a page of a log, where nothing else is asked for.
pub const PAGE: i64 = 100;
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

impl Questions<'_> {
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
