//! Reads the past: how a customer or a group stood, and what happened to it since, with a customer's
//! groups.
//!
//! No read takes more than what is asked about: a state of the past begins at a snapshot.

use std::collections::BTreeSet;

use events::CustomerEvent;
use events::ids::{Position, Sequence, StreamId};
use events::record::StreamKind;

use super::fold::History;
use super::state::{Entry, State};
use crate::domain::customer::Customer;
use crate::event_store::{Ledger, Loaded, StoreError};

/// A customer or a group as it was at a position.
pub struct AsOf {
    /// The customer, with its groups; of a group what [`State::of_group`] says.
    pub state: State,
    /// The sequence that its stream had come to; 0 before it was born.
    pub sequence: Sequence,
    /// Whether its key is gone: nothing personal can be shown, of no time.
    pub is_erased: bool,
}

impl Ledger {
    /// A customer or a group as it was right after a position.
    pub async fn past(
        &self,
        kind: StreamKind,
        stream: &StreamId,
        position: Position,
    ) -> Result<AsOf, StoreError> {
        match kind {
            StreamKind::Customer => self.customer_past(stream, position).await,
            StreamKind::CustomerGroup => self.group_past(stream, position).await,
        }
    }

    /// What happened to a customer or a group after a position, up to another: its own records, and of
    /// a customer all of each group that it is in at some time between.
    pub async fn history(
        &self,
        kind: StreamKind,
        stream: &StreamId,
        after: Position,
        until: Position,
    ) -> Result<History, StoreError> {
        match kind {
            StreamKind::Customer => self.customer_history(stream, after, until).await,
            StreamKind::CustomerGroup => self.group_history(stream, after, until).await,
        }
    }

    async fn customer_past(
        &self,
        stream: &StreamId,
        position: Position,
    ) -> Result<AsOf, StoreError> {
        let sequence = self
            .sequence_at(StreamKind::Customer, stream, position)
            .await?;
        let loaded: Loaded<Customer> = self.load_until(stream, sequence).await?;
        let is_erased = loaded.is_erased();
        let (views, addresses) = (loaded.views, loaded.aggregate.addresses);
        let groups = self
            .medusa_groups_at(&views.medusa.groups, position)
            .await?;
        let addresses = addresses
            .into_iter()
            .map(|address| (address.id.clone(), address));
        Ok(AsOf {
            state: State {
                views,
                addresses: addresses.collect(),
                groups: groups
                    .into_iter()
                    .map(|group| (group.stream.clone(), group))
                    .collect(),
            },
            sequence,
            is_erased,
        })
    }

    async fn group_past(&self, stream: &StreamId, position: Position) -> Result<AsOf, StoreError> {
        let history = self.group_history(stream, position, position).await?;
        let state = history.start().clone();
        Ok(AsOf {
            sequence: state
                .group()
                .map_or(Sequence::START, |group| group.sequence),
            state,
            is_erased: false,
        })
    }

    async fn customer_history(
        &self,
        stream: &StreamId,
        after: Position,
        until: Position,
    ) -> Result<History, StoreError> {
        let AsOf {
            mut state,
            sequence,
            is_erased: _,
        } = self.customer_past(stream, after).await?;
        let last = self
            .sequence_at(StreamKind::Customer, stream, until)
            .await?;
        let own = self.own_records(stream, sequence, last).await?;
        let mut streams: BTreeSet<StreamId> = state.views.medusa.groups.iter().cloned().collect();
        for record in &own {
            if let CustomerEvent::GroupsAssigned(assigned) = &record.event {
                streams.extend(assigned.groups.iter().cloned());
            }
        }
        let mut entries: Vec<_> = own.into_iter().map(Entry::Customer).collect();
        let streams: Vec<&StreamId> = streams.iter().collect();
        for record in self.group_records(&streams, until).await? {
            if record.position > after {
                entries.push(Entry::Group(record));
            } else if !state.views.medusa.groups.contains(&record.stream) {
                // The groups that it is in at `after` stand in the state already.
                state.apply(&Entry::Group(record));
            }
        }
        Ok(History::new(state, entries))
    }

    async fn group_history(
        &self,
        stream: &StreamId,
        after: Position,
        until: Position,
    ) -> Result<History, StoreError> {
        let mut state = State::of_group(stream);
        let mut entries = vec![];
        for record in self.group_records(&[stream], until).await? {
            let is_past = record.position <= after;
            let entry = Entry::Group(record);
            if is_past {
                state.apply(&entry);
            } else {
                entries.push(entry);
            }
        }
        Ok(History::new(state, entries))
    }
}
