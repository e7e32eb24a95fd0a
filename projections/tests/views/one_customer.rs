//! One customer, both shapes: the rows of the design's table that concern reading.

use events::address::{Address, CountryCode, Slot};
use events::customer::{CustomerCreated, CustomerState, Gender};
use projections::shopline::{Version, render_read};
use serde_json::{Value, json};

use crate::given::{
    added, address, assigned, born, changed, created, deleted, erased, object, removed, some, store,
};

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn each_shop_knows_the_customer_by_its_own_id() {
    let history = created(born());
    assert_eq!(history.in_medusa("")["id"], "cus_1");
    assert_eq!(history.in_shopline()["id"], "4201825054");
}

#[test]
fn an_email_longer_than_shopline_allows_is_shown_whole() {
    let email = format!("{}@example.com", "e".repeat(60));
    let history = created(CustomerCreated {
        email: some(&email),
        ..born()
    });
    assert_eq!(history.in_medusa("")["email"], *email);
    assert_eq!(history.in_shopline()["email"], *email);
}

#[test]
fn a_customer_without_an_email_has_an_empty_one_in_both() {
    let history = created(born());
    assert_eq!(history.in_medusa("")["email"], "");
    assert_eq!(history.in_shopline()["email"], "");
}

#[test]
fn text_that_is_not_there_is_null_in_medusa_and_empty_in_shopline() {
    let history = created(born()).then(added(address("A")));
    let (medusa, shopline) = (history.in_medusa(""), history.in_shopline());
    for name in ["first_name", "last_name", "phone"] {
        assert_eq!(medusa[name], Value::Null);
        assert_eq!(shopline[name], "");
    }
    for name in ["note", "tags", "birthday", "language", "nick_name"] {
        assert_eq!(shopline[name], "");
    }
    for name in [
        "company",
        "first_name",
        "address_2",
        "city",
        "country_code",
        "phone",
    ] {
        assert_eq!(medusa["shipping_addresses"][0][name], Value::Null);
    }
    for name in [
        "company",
        "address1",
        "country",
        "country_code",
        "province_code",
        "zip",
    ] {
        assert_eq!(shopline["addresses"][0][name], "");
    }
    let empty = created(CustomerCreated {
        first_name: some(""),
        ..born()
    });
    assert_eq!(empty.in_medusa("")["first_name"], "");
}

#[test]
fn members_without_a_value_are_left_out_of_shopline() {
    let shopline = created(born()).in_shopline();
    for name in [
        "accepts_marketing_updated_at",
        "accepts_mobile_marketing_updated_at",
        "default_address",
        "last_order_id",
        "asid",
        "social_customer",
    ] {
        assert!(shopline.get(name).is_none(), "{name}");
    }
}

#[test]
fn a_phone_is_shown_as_written() {
    for phone in ["+46 70 000", "008615834564475", "0123456789012345678901234"] {
        let history = created(CustomerCreated {
            phone: some(phone),
            ..born()
        });
        assert_eq!(history.in_medusa("")["phone"], phone);
        assert_eq!(history.in_shopline()["phone"], phone);
    }
}

#[test]
fn an_account_is_a_state() {
    for (has_account, state, shown) in [
        (false, CustomerState::Disabled, 0),
        (false, CustomerState::NotInvited, 1),
        (false, CustomerState::Invited, 2),
        (true, CustomerState::Registered, 3),
    ] {
        let history = created(CustomerCreated {
            has_account,
            state,
            ..born()
        });
        assert_eq!(history.in_medusa("")["has_account"], has_account);
        assert_eq!(history.in_shopline()["state"], shown);
    }
}

#[test]
fn metadata_and_groups_are_medusas_alone() {
    let plain = created(born());
    let history = created(CustomerCreated {
        metadata: Some(object(json!({"car": "white"})).into()),
        ..born()
    })
    .together(assigned(&["G"]));
    assert_eq!(history.in_medusa("")["metadata"], json!({"car": "white"}));
    assert_eq!(history.in_shopline(), plain.in_shopline());
}

#[test]
fn tags_note_birthday_gender_and_consents_are_shoplines_alone() {
    let plain = created(born());
    let history = created(CustomerCreated {
        tags: Some(vec!["a".to_owned(), "b".to_owned()].into()),
        note: some("n"),
        birthday: some("19990304"),
        gender: Some(Gender::Secret.into()),
        language: some("en"),
        nick_name: some("nick"),
        ..born()
    });
    let shopline = history.in_shopline();
    assert_eq!(shopline["tags"], "a,b");
    assert_eq!(shopline["note"], "n");
    assert_eq!(shopline["birthday"], "19990304");
    assert_eq!(shopline["gender"], "secret");
    assert_eq!(shopline["language"], "en");
    assert_eq!(shopline["nick_name"], "nick");
    assert_eq!(history.in_medusa(""), plain.in_medusa(""));
}

#[test]
fn more_addresses_than_shopline_allows_are_shown() {
    let history = (0..60).fold(created(born()), |history, n| {
        history.together(added(address(&format!("{n:02}"))))
    });
    let addresses = history.in_shopline()["addresses"].clone();
    assert_eq!(addresses.as_array().unwrap().len(), 60);
    let addresses = history.in_medusa("")["shipping_addresses"].clone();
    assert_eq!(addresses.as_array().unwrap().len(), 60);
}

#[test]
fn the_billing_address_is_not_in_shoplines_list() {
    let history = created(born()).then(added(Address {
        slot: Slot::Billing,
        default: true,
        ..address("A")
    }));
    let medusa = history.in_medusa("billing_address,shipping_addresses");
    assert_eq!(medusa["billing_address_id"], "addr_A");
    assert_eq!(medusa["billing_address"]["id"], "addr_A");
    assert_eq!(medusa["billing_address"]["customer_id"], Value::Null);
    assert_eq!(medusa["shipping_addresses"], json!([]));
    let shopline = history.in_shopline();
    assert_eq!(shopline["addresses"], json!([]));
    assert!(shopline.get("default_address").is_none());
}

#[test]
fn the_first_live_address_is_the_default_unless_one_is_chosen() {
    let chosen = |id, default| Address {
        default,
        ..address(id)
    };
    let history = created(born())
        .then(added(address("A")))
        .then(added(address("B")))
        .then(added(address("C")));
    let default = |history: &crate::given::History<_>| {
        let shopline = history.in_shopline();
        let flagged: Vec<_> = shopline["addresses"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|address| address["default"] == true)
            .collect();
        assert_eq!(flagged, [&shopline["default_address"]]);
        shopline["default_address"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(default(&history), "SL201UAA");
    let history = history.then(changed(chosen("B", true)));
    assert_eq!(default(&history), "SL201UAB");
    let moved = history
        .clone()
        .then(changed(chosen("C", true)))
        .together(changed(chosen("B", false)));
    assert_eq!(default(&moved), "SL201UAC");
    let back = history
        .clone()
        .then(changed(chosen("A", true)))
        .together(changed(chosen("B", false)));
    assert_eq!(default(&back), "SL201UAA");
    assert_eq!(default(&back.then(removed(address("A")))), "SL201UAB");
    assert_eq!(default(&history.then(removed(address("B")))), "SL201UAA");
}

#[test]
fn postal_code_and_phone_of_an_address_are_shown_whole() {
    let history = created(born()).then(added(Address {
        address_1: some("1 Test Street"),
        address_2: some("2"),
        postal_code: some("72093-0123456789"),
        phone: some("00123456789012345678"),
        ..address("A")
    }));
    let medusa = &history.in_medusa("")["shipping_addresses"][0];
    let shopline = &history.in_shopline()["addresses"][0];
    for (ours, theirs) in [
        ("address_1", "address1"),
        ("address_2", "address2"),
        ("postal_code", "zip"),
        ("phone", "phone"),
    ] {
        assert_eq!(medusa[ours], shopline[theirs]);
        assert!(medusa[ours].is_string());
    }
    assert_eq!(shopline["zip"], "72093-0123456789");
}

#[test]
fn a_country_is_shown_in_each_shops_way() {
    for (code, text, medusa, code_shown, country_shown) in [
        (Some("us"), None, json!("us"), "US", "United States"),
        (
            Some("US"),
            Some("UnitedStates"),
            json!("us"),
            "US",
            "UnitedStates",
        ),
        (Some("Dk"), Some(""), json!("dk"), "DK", "Denmark"),
        (Some("zz"), None, json!(null), "ZZ", ""),
        (Some("usa"), None, json!(null), "usa", ""),
        (None, Some("Utopia"), json!(null), "", "Utopia"),
    ] {
        let history = created(born()).then(added(Address {
            country: text.and_then(some),
            country_code: code.map(|code| CountryCode::new(code.into())),
            ..address("A")
        }));
        let shown = &history.in_medusa("shipping_addresses.country")["shipping_addresses"][0];
        assert_eq!(shown["country_code"], medusa);
        assert_eq!(shown["country"]["iso_2"], medusa);
        let shown = &history.in_shopline()["addresses"][0];
        assert_eq!(shown["country_code"], code_shown);
        assert_eq!(shown["country"], country_shown);
    }
}

#[test]
fn a_province_code_is_shoplines_alone() {
    let history = created(born()).then(added(Address {
        province: some("Kentucky"),
        province_code: some("4200021"),
        ..address("A")
    }));
    let medusa = &history.in_medusa("")["shipping_addresses"][0];
    assert_eq!(medusa["province"], "Kentucky");
    assert!(!keys(medusa).contains(&"province_code"));
    let shopline = &history.in_shopline()["addresses"][0];
    assert_eq!(shopline["province"], "Kentucky");
    assert_eq!(shopline["province_code"], "4200021");
}

#[test]
fn times_are_utc_milliseconds_or_the_stores_whole_seconds() {
    let history = created(born());
    assert_eq!(
        history.in_medusa("")["created_at"],
        "2026-01-02T03:04:05.678Z"
    );
    assert_eq!(
        history.in_shopline()["created_at"],
        "2026-01-02T11:04:05+08:00"
    );

    let mut store = store();
    store.time_zone = jiff::tz::TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
    let text = render_read(&history.shopline(), &store, Version::V20220901, None);
    assert!(text.contains(r#""created_at":"2026-01-01T22:04:05-05:00""#));
    store.time_zone = jiff::tz::TimeZone::UTC;
    let text = render_read(&history.shopline(), &store, Version::V20220901, None);
    assert!(text.contains(r#""created_at":"2026-01-02T03:04:05+00:00""#));
}

#[test]
fn a_deleted_or_erased_customer_leaves_ids_and_nothing_else() {
    let alive = created(CustomerCreated {
        email: some("a@example.com"),
        has_account: true,
        ..born()
    })
    .then(assigned(&["G"]))
    .then(added(address("A")));
    for history in [
        alive.clone().then(deleted()),
        alive.clone().then(erased()),
        alive.clone().then(deleted()).then(erased()),
        alive.clone().then(deleted()).then(assigned(&["G"])),
    ] {
        let medusa = history.medusa();
        assert!(medusa.deleted);
        assert_eq!(
            (medusa.stream.as_str(), medusa.id.as_str()),
            ("S1", "cus_1")
        );
        assert_eq!(medusa.sequence, history.records.last().unwrap().sequence);
        assert_eq!(medusa.position, history.records.last().unwrap().position);
        assert_eq!(medusa.updated_at, history.records[3].time);
        assert_eq!(medusa.profile.email, None);
        assert!(medusa.groups.is_empty() && medusa.addresses.is_empty());
        let shopline = history.shopline();
        assert!(
            shopline.deleted && shopline.profile.email.is_none() && shopline.addresses.is_empty()
        );
        assert_eq!(shopline.id, "4201825054");
        assert_eq!(shopline.updated_at, history.records[3].time);
        assert_eq!(shopline.sequence, medusa.sequence);
    }
}

#[test]
fn orders_are_empty_for_now() {
    let history = created(born());
    assert_eq!(history.in_medusa("")["orders"], json!([]));
    let shopline = history.in_shopline();
    assert_eq!(shopline["orders_count"], 0);
    assert_eq!(shopline["total_spent"], "0");
    assert_eq!(shopline["currency"], "USD");
}

#[test]
fn views_print_no_personal_data() {
    let history = created(CustomerCreated {
        email: some("a@example.com"),
        ..born()
    })
    .then(added(Address {
        city: some("Paris"),
        ..address("A")
    }));
    let (medusa, shopline) = (history.medusa(), history.shopline());
    assert_eq!(format!("{medusa:?}"), "medusa::Customer(S1)");
    assert_eq!(format!("{shopline:?}"), "shopline::Customer(S1)");
    assert_eq!(format!("{:?}", medusa.addresses), "[medusa::Address(A)]");
    assert_eq!(
        format!("{:?}", shopline.addresses),
        "[shopline::Address(A)]"
    );
}
