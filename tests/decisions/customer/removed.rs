//! What an app takes from a customer, and invites it to.

use super::*;

fn tagged(tags: &[&str]) -> Vec<CustomerEvent> {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    let fields = Fields {
        tags: Patch::Set(tags),
        ..Fields::default()
    };
    then(&bob(), change(&bob(), SHOPLINE, fields))
}

fn remove_tags(given: &[CustomerEvent], tags: &[&str]) -> Result<Vec<CustomerEvent>, Refusal> {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    when(given, Command::RemoveTags(tags))
}

#[test]
fn tags_that_are_there_are_removed_and_no_others() {
    let given = tagged(&["a", "b", "c"]);
    let left = updated(CustomerUpdated {
        tags: Patch::Set(vec!["a".to_owned(), "c".to_owned()].into()),
        ..CustomerUpdated::default()
    });
    assert_eq!(remove_tags(&given, &["b", "x", "b"]), Ok(left));
    let none = updated(CustomerUpdated {
        tags: Patch::Clear,
        ..CustomerUpdated::default()
    });
    assert_eq!(remove_tags(&given, &["c", "b", "a"]), Ok(none));
    for nothing in [&["x"] as &[_], &["A"], &[]] {
        assert_eq!(remove_tags(&given, nothing), Ok(vec![]));
    }
    assert_eq!(remove_tags(&bob(), &["a"]), Ok(vec![]));
}

#[test]
fn addresses_are_removed_all_or_none() {
    let add = |number: usize, slot| AddressPatch {
        new: NewAddress {
            id: format!("a{number}"),
            ids: ids(number),
        },
        slot,
        ..AddressPatch::default()
    };
    let added = UpdateCustomer {
        addresses: vec![
            add(1, Slot::Shipping),
            add(2, Slot::Shipping),
            add(3, Slot::Billing),
        ],
        ..nothing(SHOPLINE)
    };
    let given = then(&bob(), update(&bob(), added));
    let remove = |ids: &[&str]| {
        let ids = ids.iter().copied().map(Into::into).collect();
        when(&given, Command::RemoveAddresses(ids))
    };
    let left = fold(&then(&given, remove(&["s2"]))).addresses;
    let left: Vec<_> = left.iter().map(|address| address.id.as_str()).collect();
    assert_eq!(left, ["a1", "a3"]);
    assert_eq!(remove(&["s2", "s1"]).unwrap().len(), 2);
    // The billing address is in no list of SHOPLINE's.
    for unknown in [&["s1", "s9"] as &[_], &["s3"], &["a1"]] {
        let unknown_id = unknown.last().unwrap();
        assert_eq!(
            remove(unknown),
            Err(Refusal::AddressUnknown {
                shopline_id: (*unknown_id).into()
            })
        );
    }
}

#[test]
fn an_invitation_moves_the_state_once() {
    let invited = updated(CustomerUpdated {
        state: Some(CustomerState::Invited),
        ..CustomerUpdated::default()
    });
    assert_eq!(when(&bob(), Command::Invite), Ok(invited.clone()));
    let given = then(&bob(), Ok(invited));
    assert_eq!(when(&given, Command::Invite), Ok(vec![]));
    let refused = when(&registered(), Command::Invite);
    assert_eq!(refused, Err(Refusal::NotInvitable));
    let by_phone = create(CreateCustomer {
        fields: Fields {
            phone: set("1"),
            ..Fields::default()
        },
        ..creation(SHOPLINE)
    });
    let refused = when(&by_phone.unwrap(), Command::Invite);
    assert_eq!(refused, Err(Refusal::InviteNeedsEmail));
}

#[test]
fn who_is_gone_has_nothing_to_take() {
    let deleted = then(&bob(), when(&bob(), Command::Delete));
    for given in [vec![], deleted] {
        for command in [
            Command::RemoveTags(vec![]),
            Command::RemoveAddresses(vec![]),
            Command::Invite,
        ] {
            assert_eq!(when(&given, command), Err(Refusal::NotFound));
        }
    }
}
