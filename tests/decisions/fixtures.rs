//! Streams that happened, as `ledger fixture ID --redact` prints them: what a test is given.
//!
//! A new one is a file in `fixtures/` and a line in [`ALL`].

use cqrs_es::Aggregate as _;
use cqrs_es::test::TestFramework;
use customer_ledger::contracts::shopline::versions::VERSION_20230901;
use customer_ledger::domain::customer::{Command, Customer, Fields, Life, UpdateCustomer};
use customer_ledger::history::fixture::Fixture;
use events::CustomerEvent;
use events::patch::Patch;
use events::personal::Personal;

/// A guest that SHOPLINE then gave a name, a birthday, tags and an address, and Medusa its metadata.
const TWO_SHOPS: &str = include_str!("fixtures/two_shops.json");

/// All of them.
const ALL: [&str; 1] = [TWO_SHOPS];

/// What happened in a fixture.
fn given(fixture: &str) -> Vec<CustomerEvent> {
    Fixture::parse(fixture).unwrap().given().unwrap()
}

fn fold(events: &[CustomerEvent]) -> Customer {
    let mut customer = Customer::default();
    for event in events {
        customer.apply(event.clone());
    }
    customer
}

#[test]
fn every_fixture_is_about_nobody_and_folds() {
    for text in ALL {
        let fixture = Fixture::parse(text).unwrap();
        assert!(fixture.redacted);
        assert_eq!(fixture.to_text(), text, "as it was printed");
        assert_ne!(fold(&given(text)).life, Life::Unborn);
    }
}

#[test]
fn a_command_is_decided_on_what_a_real_customer_went_through() {
    let given = given(TWO_SHOPS);
    let customer = fold(&given);
    let [address] = &customer.addresses[..] else {
        panic!("{:?}", customer.addresses);
    };
    let name = customer.profile.first_name.as_ref();
    assert_eq!(address.first_name, name.cloned().map(Personal::from));
    let named = |name: &str| UpdateCustomer {
        rules: VERSION_20230901.rules,
        fields: Fields {
            first_name: Patch::Set(name.to_owned()),
            ..Fields::default()
        },
        password: false,
        groups: None,
        addresses: vec![],
    };
    let when = |name| {
        TestFramework::<Customer>::with(())
            .given(given.clone())
            .when(Command::Update(Box::new(named(name))))
            .inspect_result()
            .unwrap()
    };
    assert_eq!(when(name.unwrap()), vec![]);
    assert_eq!(when("another").len(), 1);
}

#[test]
fn what_is_no_fixture_is_refused() {
    for text in ["", "{}", &TWO_SHOPS.replacen(":1,", ":2,", 1)] {
        assert!(Fixture::parse(text).is_err(), "{text}");
    }
    let odd = TWO_SHOPS.replacen("CustomerUpdated", "CustomerUnderstood", 1);
    let odd = Fixture::parse(&odd).unwrap();
    assert_eq!(
        odd.given().unwrap_err().to_string(),
        "event 2 of the fixture is none of a customer's"
    );
}
