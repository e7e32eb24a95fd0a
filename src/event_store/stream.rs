//! What the store needs to know of each kind of stream.

mod caches;
mod loaded;

use std::sync::Arc;

use cqrs_es::{Aggregate, DomainEvent};
use events::catalogue::Entry;
use events::ids::StreamId;
use events::record::{Record, StreamKind};
use events::{CustomerEvent, GroupEvent};
use moka::sync::Cache;
use projections::CustomerViews;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::caches::StreamCaches;
pub use self::loaded::Loaded;
use crate::domain::claims::{self, Holds};
use crate::domain::customer::{self, Customer};
use crate::domain::group::{self, CustomerGroup};

/// An aggregate that the ledger stores.
pub trait Stream:
    Aggregate<Command: Clone + Send, Event: Named, Services = (), Error: Send + Sync> + Clone + 'static
{
    /// Kind of the stream.
    const KIND: StreamKind;
    /// Every contract's view of it.
    type Views: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Folds a record into the views.
    fn show(views: &mut Self::Views, record: &Record<Self::Event>);
    /// What the state holds.
    fn holds(&self) -> Holds;
    /// What the store has to check for a command.
    fn needs(command: &Self::Command) -> Needs;
    /// Whether an event ends the life of the stream's key.
    fn erases(event: &Self::Event) -> bool;
    /// Where its streams are cached.
    fn cache(caches: &StreamCaches) -> &Cache<StreamId, Arc<Loaded<Self>>>;
}

/// An event with its kind of stream and what the catalogue says of it.
pub trait Named: DomainEvent {
    /// Kind of the streams it belongs to.
    const KIND: StreamKind;
    /// The name and version it is stored under.
    fn entry(&self) -> &'static Entry;
}

/// What the store has to check for a command, beyond its stream and its claims.
#[derive(Debug, Default)]
pub struct Needs {
    /// Groups that must exist, by stream.
    pub groups: Vec<StreamId>,
    /// Whether the marks it takes must be nobody else's.
    pub sole_marks: bool,
}

impl Named for CustomerEvent {
    const KIND: StreamKind = StreamKind::Customer;

    fn entry(&self) -> &'static Entry {
        self.entry()
    }
}

impl Named for GroupEvent {
    const KIND: StreamKind = StreamKind::CustomerGroup;

    fn entry(&self) -> &'static Entry {
        self.entry()
    }
}

impl Stream for Customer {
    const KIND: StreamKind = StreamKind::Customer;
    type Views = CustomerViews;

    fn show(views: &mut CustomerViews, record: &Record<CustomerEvent>) {
        views.apply(record);
    }

    fn holds(&self) -> Holds {
        claims::of_customer(self)
    }

    fn needs(command: &customer::Command) -> Needs {
        match command {
            customer::Command::Create(create) => Needs {
                groups: vec![],
                sole_marks: create.rules.contact_required_and_unique,
            },
            customer::Command::Update(update) => Needs {
                groups: update.groups.clone().unwrap_or_default(),
                sole_marks: update.rules.contact_required_and_unique,
            },
            customer::Command::JoinGroup { group } => Needs {
                groups: vec![group.clone()],
                sole_marks: false,
            },
            customer::Command::LeaveGroup { group: _ }
            | customer::Command::RemoveAddresses(_)
            | customer::Command::RemoveTags(_)
            | customer::Command::Invite
            | customer::Command::Delete
            | customer::Command::Erase => Needs::default(),
        }
    }

    fn erases(event: &CustomerEvent) -> bool {
        match event {
            CustomerEvent::PersonalDataErased(_) => true,
            CustomerEvent::CustomerCreated(_)
            | CustomerEvent::CustomerUpdated(_)
            | CustomerEvent::AddressChanged(_)
            | CustomerEvent::GroupsAssigned(_)
            | CustomerEvent::CredentialChanged(_)
            | CustomerEvent::CustomerDeleted(_) => false,
        }
    }

    fn cache(caches: &StreamCaches) -> &Cache<StreamId, Arc<Loaded<Self>>> {
        &caches.customers
    }
}

impl Stream for CustomerGroup {
    const KIND: StreamKind = StreamKind::CustomerGroup;
    type Views = projections::medusa::Group;

    fn show(view: &mut Self::Views, record: &Record<GroupEvent>) {
        view.apply(record);
    }

    fn holds(&self) -> Holds {
        claims::of_group(self)
    }

    fn needs(_: &group::Command) -> Needs {
        Needs::default()
    }

    fn erases(event: &GroupEvent) -> bool {
        match event {
            GroupEvent::GroupCreated(_)
            | GroupEvent::GroupUpdated(_)
            | GroupEvent::GroupDeleted(_) => false,
        }
    }

    fn cache(caches: &StreamCaches) -> &Cache<StreamId, Arc<Loaded<Self>>> {
        &caches.groups
    }
}
