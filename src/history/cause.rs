//! What an answer says of a record: which one, who asked for it, and what it changed.

use std::collections::BTreeMap;

use events::address::{Address, AddressChange};
use events::personal::Personal;
use events::{CustomerEvent, GroupEvent};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Entry, History};

/// What stands in place of words about a person that were not to be opened.
const SEALED: &str = "•••";

/// A record of a log, and the names of what it changed; never a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    /// The record.
    pub entry: Entry,
    /// Names of the fields that changed, in the ledger's words.
    pub changed: Vec<String>,
}

/// Every record of a history, with what it changed.
pub(crate) fn log(history: &History) -> Vec<Logged> {
    let mut addresses = history.start().addresses.clone();
    let mut logged = vec![];
    history.fold(|entry, state| {
        logged.push(Logged {
            entry: entry.clone(),
            changed: changed(entry, &addresses),
        });
        if let Some(id) = address(entry) {
            let held = state.addresses.get(id).cloned();
            addresses.extend(held.map(|held| (id.to_owned(), held)));
        }
    });
    logged
}

impl Logged {
    /// The record as JSON; with `open`, also on whose behalf and why, in the caller's words.
    pub fn json(&self, open: bool) -> Value {
        let mut json = cause(&self.entry, open);
        if let Value::Object(members) = &mut json {
            members.insert("changed".to_owned(), self.changed.clone().into());
        }
        json
    }
}

/// Which record, and who asked for it, as JSON; with `open`, also on whose behalf and why.
pub(crate) fn cause(entry: &Entry, open: bool) -> Value {
    let metadata = entry.metadata();
    let words = |words: &Option<Personal<String>>| {
        words.as_ref().map(|words| match words.open() {
            Some(words) if open => words.clone(),
            Some(_) | None => SEALED.to_owned(),
        })
    };
    json!({
        "position": entry.position(),
        "sequence": entry.sequence(),
        "stream": entry.stream(),
        "time": entry.time().to_string(),
        "event": entry.type_name(),
        "actor": { "kind": metadata.actor.kind.name(), "id": metadata.actor.id },
        "on_behalf_of": words(&metadata.on_behalf_of),
        "reason": words(&metadata.reason),
        "contract": metadata.contract.name(),
        "route": metadata.route,
        "request_id": metadata.request_id,
    })
}

/// The names of the fields that a record changed. Of an address, `address.zip`-like names of what is
/// different from how it stood in `addresses`; `address` alone where it came or went, or was erased.
fn changed(entry: &Entry, addresses: &BTreeMap<String, Address>) -> Vec<String> {
    match entry {
        Entry::Customer(record) => match &record.event {
            CustomerEvent::CustomerCreated(created) => members(created, ""),
            CustomerEvent::CustomerUpdated(updated) => members(updated, ""),
            CustomerEvent::AddressChanged(changed) => {
                match (changed.change, addresses.get(&changed.address.id)) {
                    (AddressChange::Changed, Some(before)) => different(before, &changed.address),
                    (AddressChange::Added | AddressChange::Changed | AddressChange::Removed, _) => {
                        vec!["address".to_owned()]
                    }
                }
            }
            CustomerEvent::GroupsAssigned(_) => vec!["groups".to_owned()],
            CustomerEvent::CredentialChanged(_) => vec!["password".to_owned()],
            CustomerEvent::CustomerDeleted(_) | CustomerEvent::PersonalDataErased(_) => vec![],
        },
        Entry::Group(record) => match &record.event {
            GroupEvent::GroupCreated(created) => members(created, "group."),
            GroupEvent::GroupUpdated(updated) => members(updated, "group."),
            GroupEvent::GroupDeleted(_) => vec!["group".to_owned()],
        },
    }
}

/// The id of the address that a record is about.
fn address(entry: &Entry) -> Option<&str> {
    match entry {
        Entry::Customer(record) => match &record.event {
            CustomerEvent::AddressChanged(changed) => Some(&changed.address.id),
            CustomerEvent::CustomerCreated(_)
            | CustomerEvent::CustomerUpdated(_)
            | CustomerEvent::GroupsAssigned(_)
            | CustomerEvent::CredentialChanged(_)
            | CustomerEvent::CustomerDeleted(_)
            | CustomerEvent::PersonalDataErased(_) => None,
        },
        Entry::Group(_) => None,
    }
}

/// The members that a payload has: a field that is kept has none.
fn members(payload: &impl Serialize, prefix: &str) -> Vec<String> {
    let Ok(Value::Object(members)) = serde_json::to_value(payload) else {
        return vec![];
    };
    members
        .keys()
        .map(|name| format!("{prefix}{name}"))
        .collect()
}

fn different(before: &Address, after: &Address) -> Vec<String> {
    let (before, after) = (json!(before), json!(after));
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return vec![];
    };
    // Two erased values look the same, and need not have been.
    if after.values().any(|value| value.get("$erased").is_some()) {
        return vec!["address".to_owned()];
    }
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let new = after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value));
    gone.chain(new.map(|(name, _)| name))
        .map(|name| format!("address.{name}"))
        .collect()
}
