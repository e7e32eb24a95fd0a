//! The addresses of a customer.

use events::address::{Address, AddressChange, AddressChanged, CountryCode};

use super::*;

/// A patch that adds the address of this number.
fn new(number: usize) -> AddressPatch {
    AddressPatch {
        new: NewAddress {
            id: format!("a{number}"),
            ids: ids(number),
        },
        ..AddressPatch::default()
    }
}

/// A patch that changes the address of this number.
fn known(number: usize) -> AddressPatch {
    AddressPatch {
        shopline_id: Some(format!("s{number}").into()),
        ..AddressPatch::default()
    }
}

fn change_addresses(
    given: &[CustomerEvent],
    addresses: Vec<AddressPatch>,
) -> Result<Vec<CustomerEvent>, Refusal> {
    update(
        given,
        UpdateCustomer {
            addresses,
            ..nothing(SHOPLINE)
        },
    )
}

/// What happened to which address, and whether it is then chosen as the default.
fn told(events: Result<Vec<CustomerEvent>, Refusal>) -> Vec<(AddressChange, String, bool)> {
    events
        .unwrap()
        .into_iter()
        .map(|event| match event {
            CustomerEvent::AddressChanged(AddressChanged { change, address }) => {
                (change, address.id, address.default)
            }
            other @ (CustomerEvent::CustomerCreated(_)
            | CustomerEvent::CustomerUpdated(_)
            | CustomerEvent::GroupsAssigned(_)
            | CustomerEvent::CredentialChanged(_)
            | CustomerEvent::CustomerDeleted(_)
            | CustomerEvent::PersonalDataErased(_)) => panic!("{other:?}"),
        })
        .collect()
}

fn bob_at(addresses: usize) -> Vec<CustomerEvent> {
    let added = change_addresses(&bob(), (1..=addresses).map(new).collect());
    then(&bob(), added)
}

#[test]
fn an_address_is_added_whole_and_changed_whole() {
    let added = AddressPatch {
        city: set("Hagerman"),
        country_code: set("US"),
        ..new(1)
    };
    let given = then(&bob(), change_addresses(&bob(), vec![added]));
    let changed = AddressPatch {
        city: Patch::Clear,
        town: set("Altstadt"),
        postal_code: set("40202"),
        metadata: Patch::Set(json!(["any"])),
        ..known(1)
    };
    let events = change_addresses(&given, vec![changed.clone()]);
    let expected = Address {
        id: "a1".into(),
        ids: ids(1),
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
        town: Some("Altstadt".to_owned().into()),
        province: None,
        province_code: None,
        postal_code: Some("40202".to_owned().into()),
        country: None,
        country_code: Some(CountryCode::Code("US".into())),
        phone: None,
        metadata: Some(json!(["any"]).into()),
    };
    assert_eq!(
        events,
        Ok(vec![CustomerEvent::AddressChanged(AddressChanged {
            change: AddressChange::Changed,
            address: expected.clone(),
        })])
    );
    let given = then(&given, events);
    assert_eq!(fold(&given).addresses, [expected]);
    assert_eq!(change_addresses(&given, vec![changed]), Ok(vec![]));
}

#[test]
fn an_unknown_address_is_refused_and_so_is_all_that_came_with_it() {
    let refused = change_addresses(&bob_at(1), vec![new(2), known(3)]);
    let expected = Refusal::AddressUnknown {
        shopline_id: "s3".into(),
    };
    assert_eq!(refused, Err(expected));
}

#[test]
fn a_default_moves_and_both_addresses_say_so() {
    use AddressChange::{Added, Changed};
    let default = |patch| AddressPatch {
        default: Some(true),
        ..patch
    };
    let second = change_addresses(&bob_at(3), vec![default(known(2))]);
    let given = then(&bob_at(3), second.clone());
    assert_eq!(told(second), [(Changed, "a2".into(), true)]);
    let moved = change_addresses(&given, vec![default(new(4))]);
    let expected = [(Changed, "a2".into(), false), (Added, "a4".into(), true)];
    assert_eq!(told(moved.clone()), expected);
    let customer = fold(&then(&given, moved));
    let defaults: Vec<_> = customer.addresses.iter().map(|a| a.default).collect();
    assert_eq!(defaults, [false, false, false, true]);
}

#[test]
fn a_removed_address_is_gone_and_the_others_keep_their_order() {
    let given = bob_at(3);
    let address = fold(&given).addresses[1].clone();
    let removed = CustomerEvent::AddressChanged(AddressChanged {
        change: AddressChange::Removed,
        address,
    });
    let given = [given, vec![removed]].concat();
    let left: Vec<_> = fold(&given).addresses.into_iter().map(|a| a.id).collect();
    assert_eq!(left, ["a1", "a3"]);
    assert!(change_addresses(&given, vec![known(2)]).is_err());
}

#[test]
fn a_billing_address_does_not_count_and_is_not_found() {
    let billing = AddressPatch {
        slot: Slot::Billing,
        ..new(0)
    };
    let given = then(&bob(), change_addresses(&bob(), vec![billing]));
    let fifty = change_addresses(&given, (1..=50).map(new).collect());
    assert_eq!(fifty.as_ref().map(Vec::len), Ok(50));
    assert!(change_addresses(&then(&given, fifty), vec![new(51)]).is_err());
    assert!(change_addresses(&given, vec![known(0)]).is_err());
}

#[test]
fn a_country_code_in_another_case_is_the_same_country() {
    let code = |code: &str, patch| AddressPatch {
        country_code: set(code),
        ..patch
    };
    let given = then(
        &bob(),
        change_addresses(&bob(), vec![code("us", new(1)), code("Land", new(2))]),
    );
    let same = change_addresses(&given, vec![code("US", known(1))]);
    assert_eq!(same, Ok(vec![]));
    assert_eq!(
        told(change_addresses(&given, vec![code("de", known(1))])).len(),
        1
    );
    // What is not a code is a text like any other.
    assert_eq!(
        told(change_addresses(&given, vec![code("LAND", known(2))])).len(),
        1
    );
}
