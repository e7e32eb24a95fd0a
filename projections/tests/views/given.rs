//! What happened, told briefly: a story names only what it is about.

use std::collections::BTreeMap;
use std::fmt;

use events::address::{Address, AddressChange, AddressChanged, Slot};
use events::customer::{
    Credential, CredentialChanged, CustomerCreated, CustomerDeleted, CustomerUpdated,
    GroupsAssigned, PersonalDataErased,
};
use events::group::{GroupCreated, GroupDeleted, GroupUpdated};
use events::ids::{ForeignIds, Position, Sequence};
use events::patch::Patch;
use events::personal::Personal;
use events::record::{Actor, ActorKind, Contract, Metadata, Record};
use events::{CustomerEvent, GroupEvent};
use jiff::tz::{TimeZone, offset};
use jiff::{Timestamp, ToSpan as _};
use projections::medusa::{Group, Related, Relations};
use projections::shopline::{Store, Version};
use projections::{medusa, shopline};
use serde::Serialize;
use serde_json::{Map, Value};

/// When every story begins.
pub(crate) const BEGINNING: &str = "2026-01-02T03:04:05.678901Z";

/// A stream of records; each step is one second after the last.
#[derive(Clone)]
pub(crate) struct History<E> {
    pub(crate) stream: String,
    pub(crate) time: Timestamp,
    pub(crate) records: Vec<Record<E>>,
}

/// Opened, because a failing case must be readable; the data is invented.
impl<E: Serialize> fmt::Debug for History<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = self.records.iter().map(|r| serde_json::to_string(&r.event));
        f.debug_list().entries(texts.map(Result::unwrap)).finish()
    }
}

impl<E: Clone> History<E> {
    pub(crate) fn of(stream: &str, first: E) -> Self {
        let empty = Self {
            stream: stream.to_owned(),
            time: BEGINNING.parse::<Timestamp>().unwrap() - 1.second(),
            records: vec![],
        };
        empty.then(first)
    }

    /// The next request.
    #[must_use]
    pub(crate) fn then(mut self, event: E) -> Self {
        self.time += 1.second();
        self.together(event)
    }

    /// One more event of the same request.
    #[must_use]
    pub(crate) fn together(mut self, event: E) -> Self {
        let sequence = i64::try_from(self.records.len()).unwrap() + 1;
        self.records.push(Record {
            position: Position::new(10 * sequence),
            sequence: Sequence::new(sequence),
            store: "main".into(),
            stream: self.stream.as_str().into(),
            time: self.time,
            event,
            metadata: metadata(),
        });
        self
    }
}

impl History<CustomerEvent> {
    pub(crate) fn medusa(&self) -> medusa::Customer {
        let mut view = medusa::Customer::default();
        for record in &self.records {
            view.apply(record);
        }
        view
    }

    pub(crate) fn shopline(&self) -> shopline::Customer {
        let mut view = shopline::Customer::default();
        for record in &self.records {
            view.apply(record);
        }
        view
    }

    /// Medusa's JSON of the customer, read back.
    pub(crate) fn in_medusa(&self, expand: &str) -> Value {
        let relations = Relations::of_customer(Some(expand)).unwrap();
        let text = medusa::render_customer(&self.medusa(), &Related::default(), &relations);
        let value: Value = serde_json::from_str(&text).unwrap();
        value["customer"].clone()
    }

    /// SHOPLINE's JSON of the customer, read back.
    pub(crate) fn in_shopline(&self) -> Value {
        let text = shopline::render_read(&self.shopline(), &store(), Version::V20220901, None);
        let value: Value = serde_json::from_str(&text).unwrap();
        value["customer"].clone()
    }
}

impl History<GroupEvent> {
    pub(crate) fn group(&self) -> Group {
        let mut view = Group::default();
        for record in &self.records {
            view.apply(record);
        }
        view
    }
}

/// Reads whatever is missing from these groups and customers, as a loader of tables does.
pub(crate) fn related(
    groups: &[Group],
    customers: &[medusa::Customer],
    missing: impl Fn(&Related) -> medusa::Missing,
) -> Related {
    let groups: BTreeMap<_, _> = groups.iter().map(|group| (&group.stream, group)).collect();
    let mut related = Related::default();
    loop {
        let missing = missing(&related);
        if missing.is_empty() {
            return related;
        }
        let found = missing
            .groups
            .iter()
            .filter_map(|stream| groups.get(stream));
        related.hold_groups(&missing.groups, found.map(|group| (*group).clone()));
        let members = customers
            .iter()
            .filter(|customer| missing.members.iter().any(|g| customer.groups.contains(g)));
        related.hold_members(&missing.members, members.cloned());
    }
}

pub(crate) fn store() -> Store {
    Store {
        time_zone: TimeZone::fixed(offset(8)),
        currency: "USD".into(),
    }
}

/// A customer with ids and nothing else.
pub(crate) fn born() -> CustomerCreated {
    let ids = ForeignIds {
        medusa: "cus_1".into(),
        shopline: "4201825054".into(),
    };
    CustomerCreated::new(ids, CustomerUpdated::default())
}

pub(crate) fn created(created: CustomerCreated) -> History<CustomerEvent> {
    History::of("S1", CustomerEvent::CustomerCreated(created))
}

pub(crate) fn updated(updated: CustomerUpdated) -> CustomerEvent {
    CustomerEvent::CustomerUpdated(updated)
}

/// An address with ids and nothing else, in the customer's list.
pub(crate) fn address(id: &str) -> Address {
    Address {
        id: id.into(),
        ids: ForeignIds {
            medusa: format!("addr_{id}").into(),
            shopline: format!("SL201UA{id}").into(),
        },
        slot: Slot::Shipping,
        default: false,
        first_name: None,
        last_name: None,
        company: None,
        address_1: None,
        address_2: None,
        city: None,
        city_code: None,
        district: None,
        district_code: None,
        town: None,
        province: None,
        province_code: None,
        postal_code: None,
        country: None,
        country_code: None,
        phone: None,
        metadata: None,
    }
}

pub(crate) fn added(address: Address) -> CustomerEvent {
    changed_as(AddressChange::Added, address)
}

pub(crate) fn changed(address: Address) -> CustomerEvent {
    changed_as(AddressChange::Changed, address)
}

pub(crate) fn removed(address: Address) -> CustomerEvent {
    changed_as(AddressChange::Removed, address)
}

fn changed_as(change: AddressChange, address: Address) -> CustomerEvent {
    CustomerEvent::AddressChanged(AddressChanged { change, address })
}

pub(crate) fn assigned(groups: &[&str]) -> CustomerEvent {
    CustomerEvent::GroupsAssigned(GroupsAssigned {
        groups: groups.iter().copied().map(Into::into).collect(),
    })
}

pub(crate) const fn password() -> CustomerEvent {
    CustomerEvent::CredentialChanged(CredentialChanged {
        credential: Credential::Password,
    })
}

pub(crate) const fn deleted() -> CustomerEvent {
    CustomerEvent::CustomerDeleted(CustomerDeleted {})
}

pub(crate) const fn erased() -> CustomerEvent {
    CustomerEvent::PersonalDataErased(PersonalDataErased {})
}

pub(crate) fn group(
    stream: &str,
    name: &str,
    metadata: Option<Map<String, Value>>,
) -> History<GroupEvent> {
    History::of(
        stream,
        GroupEvent::GroupCreated(GroupCreated {
            medusa_id: format!("cgrp_{stream}").into(),
            name: name.into(),
            metadata,
        }),
    )
}

pub(crate) fn group_updated(name: Option<&str>, metadata: Option<Value>) -> GroupEvent {
    GroupEvent::GroupUpdated(GroupUpdated {
        name: name.map(ToOwned::to_owned),
        metadata: metadata.map(object),
    })
}

pub(crate) const fn group_deleted() -> GroupEvent {
    GroupEvent::GroupDeleted(GroupDeleted {})
}

/// A personal text that is there.
#[expect(clippy::unnecessary_wraps, reason = "what a field of an event takes")]
pub(crate) fn some(text: &str) -> Option<Personal<String>> {
    Some(text.to_owned().into())
}

/// A text that an update sets.
pub(crate) fn set(text: &str) -> Patch<Personal<String>> {
    Patch::Set(text.to_owned().into())
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else {
        panic!("not an object");
    };
    members
}

fn metadata() -> Metadata {
    Metadata {
        actor: Actor {
            kind: ActorKind::Operator,
            id: "console".into(),
        },
        on_behalf_of: None,
        reason: None,
        contract: Contract::Ledger,
        route: "test".into(),
        request_id: "00".repeat(16).into(),
        idempotency_key: None,
    }
}
