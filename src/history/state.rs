//! A record of a history, and how the customer or the group stands after it.

use std::collections::BTreeMap;

use events::address::Address;
use events::ids::{Position, Sequence, StreamId};
use events::record::{Metadata, Record};
use events::{CustomerEvent, GroupEvent};
use jiff::Timestamp;
use projections::{CustomerViews, medusa};

/// A record that a customer's history may hold: of its own stream, or of a group's.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are the customer's own, and are read by the thousand"
)]
pub enum Entry {
    /// Of the customer's own stream.
    Customer(Record<CustomerEvent>),
    /// Of a group that the customer is in at some time.
    Group(Record<GroupEvent>),
}

impl Entry {
    /// Place in the ledger's one total order.
    pub const fn position(&self) -> Position {
        match self {
            Self::Customer(record) => record.position,
            Self::Group(record) => record.position,
        }
    }

    /// Place in its stream.
    pub const fn sequence(&self) -> Sequence {
        match self {
            Self::Customer(record) => record.sequence,
            Self::Group(record) => record.sequence,
        }
    }

    /// The stream: the customer's, or a group's.
    pub const fn stream(&self) -> &StreamId {
        match self {
            Self::Customer(record) => &record.stream,
            Self::Group(record) => &record.stream,
        }
    }

    /// When it was appended.
    pub const fn time(&self) -> Timestamp {
        match self {
            Self::Customer(record) => record.time,
            Self::Group(record) => record.time,
        }
    }

    /// Who asked for it, and how.
    pub const fn metadata(&self) -> &Metadata {
        match self {
            Self::Customer(record) => &record.metadata,
            Self::Group(record) => &record.metadata,
        }
    }

    /// Type name of the event.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Customer(record) => record.event.type_name(),
            Self::Group(record) => record.event.type_name(),
        }
    }
}

/// A customer after a record: its views, and the groups that they name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Every contract's view.
    pub views: CustomerViews,
    /// The addresses as they were last recorded, by id: what a record changes of one is told by
    /// comparing.
    pub addresses: BTreeMap<String, Address>,
    /// The groups that were read, by stream; also those that the customer is not in at the moment.
    pub groups: BTreeMap<StreamId, medusa::Group>,
}

impl State {
    /// Where a group's own history begins: no customer, and this group.
    pub fn of_group(stream: &StreamId) -> Self {
        let mut state = Self::default();
        state.views.medusa.groups.push(stream.clone());
        state
    }

    /// The group of a group's own history, once it is born.
    pub fn group(&self) -> Option<&medusa::Group> {
        match self.views.medusa.groups.as_slice() {
            [stream] => self.groups.get(stream),
            _ => None,
        }
    }

    /// Folds the next record. Says whether it belongs to the customer's history: a group's does while
    /// the customer is in the group.
    pub fn apply(&mut self, entry: &Entry) -> bool {
        match entry {
            Entry::Customer(record) => {
                self.views.apply(record);
                if let CustomerEvent::AddressChanged(changed) = &record.event {
                    let address = changed.address.clone();
                    self.addresses.insert(address.id.clone(), address);
                }
                true
            }
            Entry::Group(record) => {
                let group = self.groups.entry(record.stream.clone()).or_default();
                group.apply(record);
                self.views.medusa.groups.contains(&record.stream)
            }
        }
    }

    /// Whether the customer is there: born, and not deleted.
    pub(crate) const fn is_live(&self) -> bool {
        self.views.medusa.sequence.get() > 0 && !self.views.medusa.deleted
    }
}
