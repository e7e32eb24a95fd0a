//! Questions to the past, as the command line and `/ledger` ask them: finds the customer and the point
//! in time, writes down who opens what, and answers with [`crate::history`].

pub mod bisect;
pub mod blame;
pub mod diff;
pub mod log;

use events::ids::{Position, RequestId, Sequence, StreamId};
use events::record::{Actor, StreamKind};

use super::access_log::{self, Access};
use super::as_of::AsOf;
use super::find::{self, FoundStream, streams_of};
use super::{Error, History, Shape, State, When};
use crate::event_store::{Ledger, StoreError};

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

/// Questions to a store, and who asks them.
pub struct Questions<'a> {
    /// The store.
    pub ledger: &'a Ledger,
    /// Who asks.
    pub asker: Asker<'a>,
}

impl Questions<'_> {
    /// The customer that has or had an id, else the group.
    pub async fn find(&self, id: &str) -> Result<FoundStream, Error> {
        find::find(&self.ledger.pool, &self.ledger.store, id).await
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

    /// A customer as it was, for a contract's own GET: none where that found no customer. `kind` is
    /// that of the contract's ids.
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

    pub(super) async fn document(
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
    pub(super) async fn back(
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
}
