//! What a contract cannot show does not move its clock.

use events::CustomerEvent;
use events::address::{Address, CountryCode, Slot};
use events::customer::{CustomerCreated, CustomerState, CustomerUpdated, Gender, Subscription};
use events::patch::Patch;
use events::personal::{Erased, Personal};
use serde_json::json;

use crate::given::{
    History, added, address, assigned, born, changed, created, group, group_updated, object,
    password, removed, set, some, updated,
};

/// Tells how many of the two clocks an event moves.
#[track_caller]
fn check(before: &History<CustomerEvent>, event: CustomerEvent, medusa: bool, shopline: bool) {
    let after = before.clone().then(event);
    let moved = (
        after.medusa().updated_at != before.medusa().updated_at,
        after.shopline().updated_at != before.shopline().updated_at,
    );
    assert_eq!(moved, (medusa, shopline), "(medusa, shopline)");
    let time = after.records.last().unwrap().time;
    assert!(!medusa || after.medusa().updated_at == time);
    assert!(!shopline || after.shopline().updated_at == time);
    assert_eq!(after.medusa().created_at, before.medusa().created_at);
    assert_eq!(after.shopline().created_at, before.shopline().created_at);
}

fn update(fill: impl FnOnce(&mut CustomerUpdated)) -> CustomerEvent {
    let mut event = CustomerUpdated::default();
    fill(&mut event);
    updated(event)
}

#[test]
fn at_birth_both_clocks_show_the_creating_request() {
    let history = created(born())
        .together(added(address("A")))
        .together(password());
    let (medusa, shopline) = (history.medusa(), history.shopline());
    assert_eq!(medusa.created_at, medusa.updated_at);
    assert_eq!(shopline.created_at, shopline.updated_at);
}

#[test]
fn what_both_show_moves_both_clocks() {
    let born = created(born());
    check(
        &born,
        update(|u| u.email = set("a@example.com")),
        true,
        true,
    );
    check(&born, update(|u| u.first_name = set("A")), true, true);
    check(&born, update(|u| u.last_name = set("A")), true, true);
    check(&born, update(|u| u.phone = set("1")), true, true);
}

#[test]
fn what_only_medusa_shows_moves_only_medusas_clock() {
    let born = created(born());
    let metadata = Patch::Set(object(json!({})).into());
    check(&born, update(|u| u.metadata = metadata), true, false);
    check(&born, update(|u| u.has_account = Some(true)), true, false);
    check(&born, password(), true, false);
}

#[test]
fn what_only_shopline_shows_moves_only_shoplines_clock() {
    let born = created(born());
    let only = |event| check(&born, event, false, true);
    only(update(|u| u.tags = Patch::Set(vec!["t".into()].into())));
    only(update(|u| u.note = set("n")));
    only(update(|u| u.birthday = set("19990304")));
    only(update(|u| u.gender = Patch::Set(Gender::Female.into())));
    only(update(|u| u.language = set("en")));
    only(update(|u| u.nick_name = set("n")));
    only(update(|u| {
        u.social_customer = Patch::Set(vec!["fb:1".into()].into());
    }));
    only(update(|u| u.state = Some(CustomerState::Invited)));
    only(update(|u| u.verified_email = Some(true)));
    only(update(|u| {
        u.email_subscription = Some(Subscription::Subscribed);
    }));
    only(update(|u| {
        u.mobile_subscription = Some(Subscription::Subscribed);
    }));
}

#[test]
fn groups_move_neither_clock() {
    check(&created(born()), assigned(&["G"]), false, false);
}

#[test]
fn addresses_move_shoplines_clock_and_their_own_in_medusa() {
    let history = created(born()).then(added(address("A")));
    check(&history, added(address("B")), false, true);
    check(&history, removed(address("A")), false, true);

    let event = changed(Address {
        city: some("Paris"),
        ..address("A")
    });
    check(&history, event.clone(), false, true);
    let after = history.then(event);
    let shown = &after.medusa().addresses[0];
    assert_eq!(shown.created_at, after.records[1].time);
    assert_eq!(shown.updated_at, after.records[2].time);
}

#[test]
fn the_default_flag_is_shoplines_alone() {
    let history = created(born())
        .then(added(address("A")))
        .then(added(address("B")));
    let chosen = |id| {
        changed(Address {
            default: true,
            ..address(id)
        })
    };
    check(&history, chosen("B"), false, true);
    let medusa = history.clone().then(chosen("B")).medusa();
    assert_eq!(medusa.addresses[1].updated_at, history.records[2].time);
    // The first one served already.
    check(&history, chosen("A"), false, false);
}

#[test]
fn what_medusa_does_not_show_of_an_address_does_not_move_its_clock() {
    let history = created(born()).then(added(Address {
        country_code: Some(CountryCode::new("us".into())),
        ..address("A")
    }));
    let held = history.medusa().addresses[0].updated_at;
    for event in [
        Address {
            country_code: Some(CountryCode::new("US".into())),
            ..address("A")
        },
        Address {
            country: some("America"),
            country_code: Some(CountryCode::new("us".into())),
            ..address("A")
        },
        Address {
            province_code: some("KY"),
            country_code: Some(CountryCode::new("us".into())),
            ..address("A")
        },
    ] {
        let after = history.clone().then(changed(event));
        assert_eq!(after.medusa().addresses[0].updated_at, held);
    }
    // Nor does SHOPLINE show metadata, or the case that a code was written in.
    let event = Address {
        metadata: Some(json!(1).into()),
        country_code: Some(CountryCode::new("US".into())),
        ..address("A")
    };
    check(&history, changed(event.clone()), false, false);
    let after = history.then(changed(event));
    assert_ne!(after.medusa().addresses[0].updated_at, held);
}

#[test]
fn a_billing_address_moves_medusas_clock_when_its_id_appears_or_goes() {
    let billing = Address {
        slot: Slot::Billing,
        ..address("A")
    };
    let history = created(born());
    check(&history, added(billing.clone()), true, false);
    let history = history.then(added(billing.clone()));
    let event = changed(Address {
        city: some("Paris"),
        ..billing.clone()
    });
    check(&history, event, false, false);
    check(&history, removed(billing), true, false);
}

#[test]
fn a_subscription_remembers_when_it_last_changed() {
    let history = created(born());
    assert_eq!(history.shopline().email_subscription_at, None);
    let subscribed = update(|u| u.email_subscription = Some(Subscription::Subscribed));
    let history = history
        .then(subscribed)
        .then(update(|u| u.note = set("later")));
    let view = history.shopline();
    assert_eq!(view.email_subscription_at, Some(history.records[1].time));
    assert_eq!(view.mobile_subscription_at, None);

    let at_birth = created(CustomerCreated {
        email_subscription: Subscription::Subscribed,
        ..born()
    });
    let view = at_birth.shopline();
    assert_eq!(view.email_subscription_at, Some(view.created_at));
}

#[test]
fn a_group_has_a_clock_too() {
    let history = group("G", "vip", None);
    let same = history.clone().then(group_updated(Some("vip"), None));
    assert_eq!(same.group().updated_at, history.group().updated_at);
    let named = history.then(group_updated(Some("gold"), None));
    assert_eq!(named.group().updated_at, named.records[1].time);
    assert_eq!(named.group().created_at, named.records[0].time);
}

#[test]
fn erased_values_fold_to_nothing() {
    let gone = || Personal::Erased(Erased);
    let history = created(CustomerCreated {
        email: Some(gone()),
        first_name: Some(gone()),
        tags: Some(Personal::Erased(Erased)),
        gender: Some(Personal::Erased(Erased)),
        metadata: Some(Personal::Erased(Erased)),
        ..born()
    })
    .then(updated(CustomerUpdated {
        phone: Patch::Set(gone()),
        tags: Patch::Set(Personal::Erased(Erased)),
        metadata: Patch::Set(Personal::Erased(Erased)),
        ..CustomerUpdated::default()
    }))
    .then(added(Address {
        first_name: Some(gone()),
        country: Some(gone()),
        country_code: Some(CountryCode::Other(gone())),
        metadata: Some(Personal::Erased(Erased)),
        ..address("A")
    }));
    let medusa = history.medusa();
    assert_eq!(
        (
            medusa.profile.email,
            medusa.profile.phone,
            medusa.profile.metadata
        ),
        (None, None, None)
    );
    assert_eq!(medusa.addresses[0].first_name, None);
    assert_eq!(medusa.addresses[0].country_code, None);
    assert_eq!(medusa.addresses[0].metadata, None);
    let shopline = history.shopline();
    assert_eq!(
        (shopline.profile.email, shopline.profile.tags),
        (None, None)
    );
    assert_eq!(shopline.profile.gender, None);
    assert_eq!(shopline.addresses[0].country, "");
    assert_eq!(shopline.addresses[0].country_code, "");
}
