//! What can have happened: the catalogue of events, and the record that stores and sends them.
//!
//! Pure: no I/O, no clock, no SQL. The type names and payloads here are storage formats. A released
//! one never changes: a change is a new version, an upcaster and a frozen sample
//! (`docs/adding.md`).

pub mod address;
pub mod customer;
pub mod group;
pub mod ids;
pub mod patch;
pub mod personal;
pub mod record;

use cqrs_es::DomainEvent;
use cqrs_es::persist::EventUpcaster;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use crate::address::AddressChanged;
use crate::customer::{
    CredentialChanged, CustomerCreated, CustomerDeleted, CustomerUpdated, GroupsAssigned,
    PersonalDataErased,
};
use crate::group::{GroupCreated, GroupDeleted, GroupUpdated};

/// The version that every event is written in today.
pub const VERSION: &str = "1.0.0";

/// What can have happened to a customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event")]
#[expect(
    clippy::large_enum_variant,
    reason = "events live briefly, one at a time"
)]
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
pub enum GroupEvent {
    /// The group came into being.
    GroupCreated(GroupCreated),
    /// Its name or metadata changed.
    GroupUpdated(GroupUpdated),
    /// It was deleted.
    GroupDeleted(GroupDeleted),
}

impl CustomerEvent {
    /// The name the event is stored under.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::CustomerCreated(_) => "CustomerCreated",
            Self::CustomerUpdated(_) => "CustomerUpdated",
            Self::AddressChanged(_) => "AddressChanged",
            Self::GroupsAssigned(_) => "GroupsAssigned",
            Self::CredentialChanged(_) => "CredentialChanged",
            Self::CustomerDeleted(_) => "CustomerDeleted",
            Self::PersonalDataErased(_) => "PersonalDataErased",
        }
    }
}

impl GroupEvent {
    /// The name the event is stored under.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::GroupCreated(_) => "GroupCreated",
            Self::GroupUpdated(_) => "GroupUpdated",
            Self::GroupDeleted(_) => "GroupDeleted",
        }
    }
}

impl DomainEvent for CustomerEvent {
    fn event_type(&self) -> String {
        self.type_name().to_owned()
    }

    fn event_version(&self) -> String {
        VERSION.to_owned()
    }
}

impl DomainEvent for GroupEvent {
    fn event_type(&self) -> String {
        self.type_name().to_owned()
    }

    fn event_version(&self) -> String {
        VERSION.to_owned()
    }
}

/// The CloudEvents type under which an event travels, by the name it is stored under.
pub fn cloud_event_type(type_name: &str) -> Option<&'static str> {
    Some(match type_name {
        "CustomerCreated" => "ledger.customer.created",
        "CustomerUpdated" => "ledger.customer.updated",
        "AddressChanged" => "ledger.customer.address_changed",
        "GroupsAssigned" => "ledger.customer.groups_assigned",
        "CredentialChanged" => "ledger.customer.credential_changed",
        "CustomerDeleted" => "ledger.customer.deleted",
        "PersonalDataErased" => "ledger.customer.personal_data_erased",
        "GroupCreated" => "ledger.group.created",
        "GroupUpdated" => "ledger.group.updated",
        "GroupDeleted" => "ledger.group.deleted",
        _ => return None,
    })
}

/// Brings stored payloads of older versions to [`VERSION`], oldest first. There are none yet.
pub fn upcasters() -> Vec<Box<dyn EventUpcaster>> {
    Vec::new()
}

/// The JSON Schema of every event's stored payload at [`VERSION`], by type name.
pub fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        (
            "CustomerCreated",
            schema::<CustomerCreated>("CustomerCreated"),
        ),
        (
            "CustomerUpdated",
            schema::<CustomerUpdated>("CustomerUpdated"),
        ),
        ("AddressChanged", schema::<AddressChanged>("AddressChanged")),
        ("GroupsAssigned", schema::<GroupsAssigned>("GroupsAssigned")),
        (
            "CredentialChanged",
            schema::<CredentialChanged>("CredentialChanged"),
        ),
        (
            "CustomerDeleted",
            schema::<CustomerDeleted>("CustomerDeleted"),
        ),
        (
            "PersonalDataErased",
            schema::<PersonalDataErased>("PersonalDataErased"),
        ),
        ("GroupCreated", schema::<GroupCreated>("GroupCreated")),
        ("GroupUpdated", schema::<GroupUpdated>("GroupUpdated")),
        ("GroupDeleted", schema::<GroupDeleted>("GroupDeleted")),
    ]
}

/// The payload's schema with the tag `event` that the enum adds, and its id as in `ce_dataschema`.
fn schema<T: JsonSchema>(type_name: &str) -> Schema {
    let mut schema = schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>();
    let object = schema.ensure_object();
    object.insert("$id".into(), data_schema(type_name, VERSION).into());
    let properties = object
        .entry("properties")
        .or_insert_with(|| serde_json::json!({}));
    properties["event"] = serde_json::json!({ "const": type_name });
    let required = object
        .entry("required")
        .or_insert_with(|| serde_json::json!([]));
    if let Some(required) = required.as_array_mut() {
        required.insert(0, "event".into());
    }
    object.insert("unevaluatedProperties".into(), false.into());
    schema
}

/// The id of an event's schema: `urn:ledger:schema:<type>:<version>`.
pub fn data_schema(type_name: &str, version: &str) -> String {
    format!("urn:ledger:schema:{type_name}:{version}")
}
