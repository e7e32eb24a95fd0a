//! What can have happened: the catalogue of events, and the record that stores and sends them.
//!
//! Pure: no I/O, no clock, no SQL. The type names and payloads here are storage formats. A released
//! one never changes: a change is a new version, an upcaster and a frozen sample ([`catalogue`]).

pub mod address;
pub mod catalogue;
pub mod customer;
pub mod group;
pub mod ids;
pub mod opened;
pub mod patch;
pub mod personal;
pub mod record;
mod schema;

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::address::AddressChanged;
use crate::catalogue::Entry;
use crate::customer::{
    CredentialChanged, CustomerCreated, CustomerDeleted, CustomerUpdated, GroupsAssigned,
    PersonalDataErased,
};
use crate::group::{GroupCreated, GroupDeleted, GroupUpdated};

/// What can have happened to a customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event")]
pub enum CustomerEvent {
    /// The customer came into being.
    CustomerCreated(CustomerCreated),
    /// Fields changed.
    CustomerUpdated(CustomerUpdated),
    /// An address was added, changed or removed.
    AddressChanged(AddressChanged),
    /// The set of groups changed.
    GroupsAssigned(GroupsAssigned),
    /// A credential changed.
    CredentialChanged(CredentialChanged),
    /// The customer was deleted.
    CustomerDeleted(CustomerDeleted),
    /// The customer's personal data was erased.
    PersonalDataErased(PersonalDataErased),
}

/// What can have happened to a customer group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event")]
#[expect(
    clippy::enum_variant_names,
    reason = "a variant's name is the name that is stored, and says what the event is about"
)]
pub enum GroupEvent {
    /// The group came into being.
    GroupCreated(GroupCreated),
    /// Its name or metadata changed.
    GroupUpdated(GroupUpdated),
    /// It was deleted.
    GroupDeleted(GroupDeleted),
}

impl CustomerEvent {
    /// What the catalogue says of the event.
    pub const fn entry(&self) -> &'static Entry {
        match self {
            Self::CustomerCreated(_) => &catalogue::CUSTOMER_CREATED,
            Self::CustomerUpdated(_) => &catalogue::CUSTOMER_UPDATED,
            Self::AddressChanged(_) => &catalogue::ADDRESS_CHANGED,
            Self::GroupsAssigned(_) => &catalogue::GROUPS_ASSIGNED,
            Self::CredentialChanged(_) => &catalogue::CREDENTIAL_CHANGED,
            Self::CustomerDeleted(_) => &catalogue::CUSTOMER_DELETED,
            Self::PersonalDataErased(_) => &catalogue::PERSONAL_DATA_ERASED,
        }
    }

    /// The name the event is stored under.
    pub const fn type_name(&self) -> &'static str {
        self.entry().type_name
    }
}

impl GroupEvent {
    /// What the catalogue says of the event.
    pub const fn entry(&self) -> &'static Entry {
        match self {
            Self::GroupCreated(_) => &catalogue::GROUP_CREATED,
            Self::GroupUpdated(_) => &catalogue::GROUP_UPDATED,
            Self::GroupDeleted(_) => &catalogue::GROUP_DELETED,
        }
    }

    /// The name the event is stored under.
    pub const fn type_name(&self) -> &'static str {
        self.entry().type_name
    }
}

impl DomainEvent for CustomerEvent {
    fn event_type(&self) -> String {
        self.entry().type_name.to_owned()
    }

    fn event_version(&self) -> String {
        self.entry().version().to_owned()
    }
}

impl DomainEvent for GroupEvent {
    fn event_type(&self) -> String {
        self.entry().type_name.to_owned()
    }

    fn event_version(&self) -> String {
        self.entry().version().to_owned()
    }
}
