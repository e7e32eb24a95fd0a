//! A short life, for tests of what is asked about one.

use events::CustomerEvent;
use events::customer::{CustomerDeleted, CustomerUpdated};
use events::ids::{Position, Sequence};
use events::patch::Patch;
use events::record::{Actor, ActorKind, Contract, Metadata, Record};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use projections::shopline::Store;
use serde_json::json;

use super::shape::Asked;
use super::{Entry, History, Shape, State};

/// What Medusa shows of it.
pub(crate) fn shape() -> Shape {
    let asked = Asked {
        shape: Some("medusa"),
        ..Asked::default()
    };
    let store = Store {
        time_zone: TimeZone::UTC,
        currency: "USD".to_owned(),
    };
    Shape::parse(asked, &store).unwrap()
}

/// The record at a position, of the only customer there is.
fn record(number: i64, event: CustomerEvent) -> Entry {
    Entry::Customer(Record {
        position: Position::new(number),
        sequence: Sequence::new(number),
        store: "main".into(),
        stream: "S".into(),
        time: Timestamp::from_second(number).unwrap(),
        event,
        metadata: Metadata {
            actor: Actor {
                kind: ActorKind::Operator,
                id: "test".to_owned(),
            },
            on_behalf_of: None,
            reason: None,
            contract: Contract::Ledger,
            route: "test".to_owned(),
            request_id: "0".repeat(32).into(),
            idempotency_key: None,
        },
    })
}

/// Her birth.
pub(crate) fn born() -> Entry {
    record(1, created())
}

fn created() -> CustomerEvent {
    let created = json!({ "event": "CustomerCreated",
        "ids": { "medusa": "cus_S", "shopline": "1" }, "has_account": false,
        "state": "not_invited", "verified_email": false, "email_subscription": "never",
        "mobile_subscription": "never", "first_name": { "$open": "Ann" } });
    serde_json::from_value(created).unwrap()
}

fn named(name: &str) -> CustomerEvent {
    CustomerEvent::CustomerUpdated(CustomerUpdated {
        first_name: Patch::Set(name.to_owned().into()),
        ..CustomerUpdated::default()
    })
}

/// Born Ann, then Bob, Bob with a last name, Cy, Bob, gone: at positions 1 to 6.
pub(crate) fn history() -> History {
    let mut noted = named("Bob");
    if let CustomerEvent::CustomerUpdated(updated) = &mut noted {
        updated.last_name = Patch::Set("Bell".to_owned().into());
    }
    let events = [
        created(),
        named("Bob"),
        noted,
        named("Cy"),
        named("Bob"),
        CustomerEvent::CustomerDeleted(CustomerDeleted {}),
    ];
    let entries = (1..).zip(events).map(|(at, event)| record(at, event));
    History::new(State::default(), entries.collect())
}
