//! Medusa's answers, byte for byte as recorded, but for ids and times.

use events::address::{Address, CountryCode, Slot};
use events::customer::{CustomerCreated, CustomerState};
use projections::medusa::{
    Fields, Given, Related, Relations, render_created, render_customer, render_group,
    render_group_created,
};
use serde_json::json;

use crate::given::{
    BEGINNING, History, added, address, born, created, group, group_deleted, group_updated, object,
    some,
};

/// The time that every body of a newborn shows.
const TIME: &str = "2026-01-02T03:04:05.678Z";

fn shown(history: &History<events::CustomerEvent>, expand: Option<&str>) -> String {
    let relations = Relations::of_customer(expand).unwrap();
    render_customer(&history.medusa(), &Related::default(), &relations)
}

fn alice() -> CustomerCreated {
    CustomerCreated {
        email: some("alice@example.com"),
        first_name: some("Alice"),
        last_name: some("Arnold"),
        phone: some("16128234334802"),
        has_account: true,
        state: CustomerState::Registered,
        metadata: Some(object(json!({"car": "white"})).into()),
        ..born()
    }
}

#[test]
fn a_newborn_shows_first_what_was_given() {
    assert!(BEGINNING.starts_with("2026-01-02T03:04:05.678"));
    let given = |phone, metadata| Given { phone, metadata };
    let guest = CustomerCreated {
        phone: None,
        has_account: false,
        metadata: None,
        ..alice()
    };
    let silent = CustomerCreated {
        phone: None,
        metadata: None,
        ..alice()
    };
    let raw = object(json!({"empty": "", "null": null, "n": {"a": ""}}));
    let raw = CustomerCreated {
        phone: None,
        metadata: Some(raw.into()),
        ..alice()
    };
    for (customer, given, given_members, filled_members, last) in [
        // setup-alice-registered
        (
            alice(),
            given(true, true),
            r#""phone":"16128234334802","has_account":true,"metadata":{"car":"white"},"#,
            "",
            "",
        ),
        // setup-guest
        (
            guest,
            given(false, false),
            "",
            r#""phone":null,"metadata":null,"#,
            r#","has_account":false"#,
        ),
        // create-metadata-raw
        (
            raw,
            given(false, true),
            r#""has_account":true,"metadata":{"empty":"","null":null,"n":{"a":""}},"#,
            r#""phone":null,"#,
            "",
        ),
        // create-optional-null
        (
            silent.clone(),
            given(true, true),
            r#""phone":null,"has_account":true,"metadata":null,"#,
            "",
            "",
        ),
        // create-registered-beside-guest
        (
            silent,
            given(false, false),
            r#""has_account":true,"#,
            r#""phone":null,"metadata":null,"#,
            "",
        ),
    ] {
        let text = render_created(&created(customer).medusa(), given);
        let expected = format!(
            r#"{{"customer":{{"email":"alice@example.com","first_name":"Alice","last_name":"Arnold",{given_members}"id":"cus_1","deleted_at":null,"billing_address_id":null,{filled_members}"created_at":"{TIME}","updated_at":"{TIME}"{last}}}}}"#
        );
        assert_eq!(text, expected);
    }
}

#[test]
fn a_read_shows_orders_and_addresses_unless_told_otherwise() {
    let columns = format!(
        r#""id":"cus_1","created_at":"{TIME}","updated_at":"{TIME}","deleted_at":null,"email":"alice@example.com","first_name":"Alice","last_name":"Arnold","billing_address_id":null,"phone":"16128234334802","has_account":true,"metadata":{{"car":"white"}}"#
    );
    for (expand, relations) in [
        (None, r#","orders":[],"shipping_addresses":[]"#),
        (Some(""), r#","orders":[],"shipping_addresses":[]"#),
        (Some("orders"), r#","orders":[]"#),
        (Some("orders.items"), r#","orders":[]"#),
        (Some("shipping_addresses"), r#","shipping_addresses":[]"#),
        (Some("billing_address"), r#","billing_address":null"#),
        (Some("groups,groups"), r#","groups":[]"#),
        (Some("groups,"), r#","groups":[]"#),
        (Some(","), ""),
        (
            Some("shipping_addresses,groups,orders,billing_address"),
            r#","billing_address":null,"groups":[],"orders":[],"shipping_addresses":[]"#,
        ),
    ] {
        let expected = format!(r#"{{"customer":{{{columns}{relations}}}}}"#);
        assert_eq!(shown(&created(alice()), expand), expected, "{expand:?}");
    }
}

#[test]
fn metadata_is_read_as_jsonb_and_javascript_leave_it() {
    let members = json!({
        "big": 12_345_678_901_234_567_890_u64, "max": 9_007_199_254_740_993_i64, "f": 1.0,
        "tiny": 1e-7, "exp": 1e21, "neg0": -0.0, "frac": 0.1, "10": [{"bb": 1, "a": 2}], "9": {},
    });
    let history = created(CustomerCreated {
        metadata: Some(object(members).into()),
        ..alice()
    });
    assert!(shown(&history, None).contains(
        r#""metadata":{"9":{},"10":[{"a":2,"bb":1}],"f":1,"big":12345678901234567000,"exp":1e+21,"max":9007199254740992,"frac":0.1,"neg0":0,"tiny":1e-7}"#
    ));
    let text = render_created(
        &history.medusa(),
        Given {
            phone: true,
            metadata: true,
        },
    );
    assert!(text.contains(
        r#""metadata":{"9":{},"10":[{"bb":1,"a":2}],"big":12345678901234567000,"max":9007199254740992,"f":1,"tiny":1e-7,"exp":1e+21,"neg0":0,"frac":0.1}"#
    ));
}

#[test]
fn text_is_shown_as_it_was_sent() {
    let history = created(CustomerCreated {
        first_name: some("Zoë 😀"),
        last_name: some("Ångström-李 \"\\/\u{7f}\u{2028}\n"),
        ..alice()
    });
    assert!(shown(&history, None).contains(
        "\"first_name\":\"Zoë 😀\",\"last_name\":\"Ångström-李 \\\"\\\\/\u{7f}\u{2028}\\n\""
    ));
}

fn kemmer_court() -> Address {
    Address {
        first_name: some("Ann"),
        last_name: some("Addr"),
        address_1: some("14433 Kemmer Court"),
        city: some("Lexington"),
        country_code: Some(CountryCode::new("US".into())),
        postal_code: some("72093"),
        metadata: Some(json!({"yy": "", "x": 1.0}).into()),
        ..address("A")
    }
}

/// Cases `admin-sees-addresses` and `admin-expand-country-*`.
#[test]
fn an_address_shows_its_columns_and_the_relations_asked_for() {
    let history = created(alice()).together(added(kemmer_court()));
    let columns = format!(
        r#""id":"addr_A","created_at":"{TIME}","updated_at":"{TIME}","deleted_at":null,"customer_id":"cus_1","company":null,"first_name":"Ann","last_name":"Addr","address_1":"14433 Kemmer Court","address_2":null,"city":"Lexington","country_code":"us","province":null,"postal_code":"72093","phone":null,"metadata":{{"x":1,"yy":""}}"#
    );
    let country = r#""id":236,"iso_2":"us","iso_3":"usa","num_code":840,"name":"UNITED STATES","display_name":"United States","region_id":null"#;
    for (expand, relations) in [
        ("shipping_addresses", String::new()),
        (
            "shipping_addresses.country",
            format!(r#","country":{{{country}}}"#),
        ),
        (
            "shipping_addresses.country.region",
            format!(r#","country":{{{country},"region":null}}"#),
        ),
    ] {
        let text = shown(&history, Some(expand));
        assert!(
            text.ends_with(&format!(
                r#""shipping_addresses":[{{{columns}{relations}}}]}}}}"#
            )),
            "{text}"
        );
    }
    let customer = shown(&history, Some(","));
    let customer = customer.strip_prefix(r#"{"customer":"#).unwrap();
    let customer = customer.strip_suffix('}').unwrap();
    assert!(
        shown(&history, Some("shipping_addresses.customer")).ends_with(&format!(
            r#""shipping_addresses":[{{{columns},"customer":{customer}}}]}}}}"#
        ))
    );
}

#[test]
fn a_billing_address_belongs_to_no_customers_list() {
    let history = created(alice()).together(added(Address {
        slot: Slot::Billing,
        country_code: None,
        ..kemmer_court()
    }));
    let text = shown(
        &history,
        Some("billing_address.country,billing_address.customer"),
    );
    assert!(text.contains(r#""billing_address_id":"addr_A""#));
    assert!(text.contains(r#""customer_id":null"#));
    assert!(text.ends_with(r#""customer":null,"country":null}}}"#));
}

/// Cases `setup-group-*` and `cg-get-*`.
#[test]
fn a_group_is_shown_as_recorded() {
    let plain = group("G", "gold", None).group();
    let rich = group("G", "vip", Some(object(json!({"tier": 1, "a": 2})))).group();
    assert_eq!(
        render_group_created(&rich, true),
        format!(
            r#"{{"customer_group":{{"name":"vip","metadata":{{"tier":1,"a":2}},"id":"cgrp_G","deleted_at":null,"created_at":"{TIME}","updated_at":"{TIME}"}}}}"#
        )
    );
    assert_eq!(
        render_group_created(&plain, false),
        format!(
            r#"{{"customer_group":{{"name":"gold","id":"cgrp_G","deleted_at":null,"metadata":null,"created_at":"{TIME}","updated_at":"{TIME}"}}}}"#
        )
    );
    let columns = format!(
        r#""id":"cgrp_G","created_at":"{TIME}","updated_at":"{TIME}","deleted_at":null,"name":"vip","metadata":{{"a":2,"tier":1}}"#
    );
    for (expand, fields, members) in [
        (None, None, columns.clone()),
        (
            Some("price_lists,customers"),
            None,
            format!(r#"{columns},"customers":[],"price_lists":[]"#),
        ),
        (None, Some("name"), r#""id":"cgrp_G","name":"vip""#.into()),
        (None, Some("-metadata"), r#""id":"cgrp_G""#.into()),
        (
            Some("customers"),
            Some("created_at"),
            format!(r#""id":"cgrp_G","created_at":"{TIME}","customers":[]"#),
        ),
    ] {
        let relations = Relations::of_group(expand).unwrap();
        let fields = fields.map(|fields| Fields::parse(fields).unwrap());
        let text = render_group(&rich, &Related::default(), &relations, fields.as_ref());
        assert_eq!(text, format!(r#"{{"customer_group":{{{members}}}}}"#));
    }
}

#[test]
fn a_group_takes_its_new_name_and_metadata_whole() {
    let history = group("G", "vip", None)
        .then(group_updated(None, Some(json!({"a": 1}))))
        .then(group_updated(Some("gold"), None));
    let view = history.group();
    assert_eq!(view.name, "gold");
    assert_eq!(view.metadata, Some(object(json!({"a": 1}))));
    let view = history.then(group_deleted()).group();
    assert!(view.deleted);
    assert_eq!((view.id.as_str(), view.name.as_str()), ("cgrp_G", ""));
}
