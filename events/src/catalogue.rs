//! The catalogue: what the world outside the code knows of each event.
//!
//! # Adding an event
//!
//! 1. Its payload, in a file of its own; its variant in [`CustomerEvent`](crate::CustomerEvent) or
//!    [`GroupEvent`](crate::GroupEvent). The compiler then lists every place that has to say what it
//!    makes of it.
//! 2. Its [`Entry`] here, and that entry's place in [`ALL`].
//! 3. Its schema: `UPDATE_SCHEMAS=1 cargo test -p events` writes it.
//! 4. Its sample: `samples/<event>/1.0.0.json`, written by hand, frozen from then on.
//! 5. Its row in `docs/events.md`.
//!
//! The tests of this crate fail until all five are there.
//!
//! # Changing a released event
//!
//! Its schema, samples and names stay as they are: they are in the store and in the topic for good.
//! The change is a new version at the end of [`Entry::versions`], an upcaster in [`upcasters`] that
//! leads to it from the one before, and a sample; the schema of the version before stays where it is
//! as a file that nothing generates any longer.

use std::sync::LazyLock;

use cqrs_es::persist::{EventUpcaster, SemanticVersionEventUpcaster, SerializedEvent};
use schemars::Schema;
use serde_json::Value;

use crate::address::AddressChanged;
use crate::customer::{
    CredentialChanged, CustomerCreated, CustomerDeleted, CustomerUpdated, GroupsAssigned,
    PersonalDataErased,
};
use crate::group::{GroupCreated, GroupDeleted, GroupUpdated};
use crate::schema;

/// What the world outside the code knows of one event.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The name it is stored under: the payload's member `event`.
    pub type_name: &'static str,
    /// The type under which it travels among CloudEvents.
    pub cloud_event_type: &'static str,
    /// Every version ever written, oldest first. New ones are written in the last.
    pub versions: &'static [&'static str],
    /// Makes the schema of the last version.
    schema: fn(type_name: &str, id: String) -> Schema,
}

impl Entry {
    /// The version it is written in today.
    pub const fn version(&self) -> &'static str {
        self.versions
            .last()
            .expect("an event that can be written has a version")
    }

    /// The JSON Schema of its stored payload at [`Entry::version`].
    pub fn schema(&self) -> Schema {
        let id = data_schema(self.type_name, self.version());
        (self.schema)(self.type_name, id)
    }
}

/// All events, in the order in which a customer, then a group, goes through them.
pub static ALL: [&Entry; 10] = [
    &CUSTOMER_CREATED,
    &CUSTOMER_UPDATED,
    &ADDRESS_CHANGED,
    &GROUPS_ASSIGNED,
    &CREDENTIAL_CHANGED,
    &CUSTOMER_DELETED,
    &PERSONAL_DATA_ERASED,
    &GROUP_CREATED,
    &GROUP_UPDATED,
    &GROUP_DELETED,
];

pub(crate) static CUSTOMER_CREATED: Entry = Entry {
    type_name: "CustomerCreated",
    cloud_event_type: "ledger.customer.created",
    versions: &["1.0.0", "1.1.0"],
    schema: schema::stored::<CustomerCreated>,
};

pub(crate) static CUSTOMER_UPDATED: Entry = Entry {
    type_name: "CustomerUpdated",
    cloud_event_type: "ledger.customer.updated",
    versions: &["1.0.0", "1.1.0"],
    schema: schema::stored::<CustomerUpdated>,
};

pub(crate) static ADDRESS_CHANGED: Entry = Entry {
    type_name: "AddressChanged",
    cloud_event_type: "ledger.customer.address_changed",
    versions: &["1.0.0", "1.1.0"],
    schema: schema::stored::<AddressChanged>,
};

pub(crate) static GROUPS_ASSIGNED: Entry = Entry {
    type_name: "GroupsAssigned",
    cloud_event_type: "ledger.customer.groups_assigned",
    versions: &["1.0.0"],
    schema: schema::stored::<GroupsAssigned>,
};

pub(crate) static CREDENTIAL_CHANGED: Entry = Entry {
    type_name: "CredentialChanged",
    cloud_event_type: "ledger.customer.credential_changed",
    versions: &["1.0.0"],
    schema: schema::stored::<CredentialChanged>,
};

pub(crate) static CUSTOMER_DELETED: Entry = Entry {
    type_name: "CustomerDeleted",
    cloud_event_type: "ledger.customer.deleted",
    versions: &["1.0.0"],
    schema: schema::stored::<CustomerDeleted>,
};

pub(crate) static PERSONAL_DATA_ERASED: Entry = Entry {
    type_name: "PersonalDataErased",
    cloud_event_type: "ledger.customer.personal_data_erased",
    versions: &["1.0.0"],
    schema: schema::stored::<PersonalDataErased>,
};

pub(crate) static GROUP_CREATED: Entry = Entry {
    type_name: "GroupCreated",
    cloud_event_type: "ledger.group.created",
    versions: &["1.0.0"],
    schema: schema::stored::<GroupCreated>,
};

pub(crate) static GROUP_UPDATED: Entry = Entry {
    type_name: "GroupUpdated",
    cloud_event_type: "ledger.group.updated",
    versions: &["1.0.0"],
    schema: schema::stored::<GroupUpdated>,
};

pub(crate) static GROUP_DELETED: Entry = Entry {
    type_name: "GroupDeleted",
    cloud_event_type: "ledger.group.deleted",
    versions: &["1.0.0"],
    schema: schema::stored::<GroupDeleted>,
};

/// The CloudEvents type under which an event travels, by the name it is stored under.
pub fn cloud_event_type(type_name: &str) -> Option<&'static str> {
    ALL.iter()
        .find(|entry| entry.type_name == type_name)
        .map(|entry| entry.cloud_event_type)
}

/// The id of an event's schema, as in the header `ce_dataschema`.
pub fn data_schema(type_name: &str, version: &str) -> String {
    format!("urn:ledger:schema:{type_name}:{version}")
}

/// What brings stored payloads to the next version, oldest first.
///
/// * `CustomerCreated` 1.1.0 says whether the e-mail was confirmed, how the subscriptions came
///   (consents), and the multipass identifier: SHOPLINE takes these at birth since v20230901. Until
///   then nobody was born with a confirmed e-mail.
/// * `CustomerUpdated` 1.1.0 may hold consents and the multipass identifier, and `AddressChanged` 1.1.0
///   the finer places of an address. Before, nobody could say them: such a payload is as it was.
pub fn upcasters() -> Vec<Box<dyn EventUpcaster>> {
    let to = |type_name, version, upcast| {
        Box::new(SemanticVersionEventUpcaster::new(
            type_name, version, upcast,
        )) as _
    };
    vec![
        to(CUSTOMER_CREATED.type_name, "1.1.0", Box::new(unverified)),
        to(CUSTOMER_UPDATED.type_name, "1.1.0", Box::new(unchanged)),
        to(ADDRESS_CHANGED.type_name, "1.1.0", Box::new(unchanged)),
    ]
}

fn unverified(mut payload: Value) -> Value {
    if let Value::Object(members) = &mut payload {
        members.insert("verified_email".to_owned(), false.into());
    }
    payload
}

const fn unchanged(payload: Value) -> Value {
    payload
}

/// Whether payloads of a version are decoded only once they are [`upcast`].
pub fn is_older(type_name: &str, version: &str) -> bool {
    let entry = ALL.iter().find(|entry| entry.type_name == type_name);
    entry.is_some_and(|entry| entry.version() != version && entry.versions.contains(&version))
}

/// Brings an opened payload of any version to the one that is decoded today. One of a version that
/// nobody knows yet stays as it is.
pub fn upcast(type_name: &str, version: &str, payload: Value) -> Value {
    static UPCASTERS: LazyLock<Vec<Box<dyn EventUpcaster>>> = LazyLock::new(upcasters);
    if !is_older(type_name, version) {
        return payload;
    }
    // An upcaster sees what happened, never to whom.
    let event = SerializedEvent::new(
        String::new(),
        0,
        String::new(),
        type_name.to_owned(),
        version.to_owned(),
        payload,
        Value::Null,
    );
    UPCASTERS
        .iter()
        .fold(event, |event, upcaster| {
            if upcaster.can_upcast(&event.event_type, &event.event_version) {
                upcaster.upcast(event)
            } else {
                event
            }
        })
        .payload
}
