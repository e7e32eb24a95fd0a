//! The open questions of the contract, each with the decision taken, and SHOPLINE's own examples.

use super::*;

macro_rules! example {
    ($name:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/conformance/shopline/",
            $name
        ))
    };
}

/// An address that only has ids.
fn address(shopline_id: &str) -> Value {
    json!({
        "event": "AddressChanged",
        "change": "added",
        "address": {
            "id": "a1",
            "ids": { "medusa": "m1", "shopline": shopline_id },
            "slot": "shipping",
            "default": false,
        }
    })
}

#[test]
fn the_documented_update_of_all_fields_is_recorded() {
    let given = [bob(), history(json!([address("207119551")]))].concat();
    let events = update_body(
        &given,
        example!("update_request_all_fields.seed.json"),
        &FIRST,
    );
    assert_eq!(
        told(events),
        json!([
            {
                "event": "CustomerUpdated",
                "email": open("123@qq.com"),
                "last_name": open("Norman"),
                "phone": open("008615834564475"),
                "tags": { "$open": ["loyal"] },
                "note": open("Placed an order that had a fraud warning"),
                "birthday": open("19970102"),
                "gender": open("unknown"),
                "email_subscription": "subscribed",
            },
            {
                "event": "AddressChanged",
                "change": "changed",
                "address": {
                    "id": "a1",
                    "ids": { "medusa": "m1", "shopline": "207119551" },
                    "slot": "shipping",
                    "default": false,
                    "first_name": open("Bob"),
                    "last_name": open("Norman"),
                    "company": open("Joy"),
                    "address_1": open("7720 Cherokee Road"),
                    "address_2": open("Apartment 2"),
                    "city": open("Hagerman"),
                    "province": open("Kentucky"),
                    "province_code": open("KY"),
                    "postal_code": open("40202"),
                    "country": open("United States"),
                    "country_code": "US",
                    "phone": open("008615834564475"),
                }
            },
        ])
    );
}

#[test]
fn the_documented_update_of_a_name_is_recorded() {
    let shown: Value = serde_json::from_slice(example!("update_response_name.seed.json")).unwrap();
    let mut before = shown["customer"].clone();
    before["first_name"] = json!("before");
    before["last_name"] = json!("");
    let given = create(&without_addresses(before)).unwrap();
    let events = update_body(&given, example!("update_request_name.seed.json"), &FIRST);
    assert_eq!(
        told(events),
        json!([{
            "event": "CustomerUpdated",
            "first_name": open("修改"),
            "last_name": open("用户0315"),
            "birthday": open("19990304"),
            "gender": open("secret"),
        }])
    );
}

fn without_addresses(mut customer: Value) -> Value {
    customer["addresses"] = json!([]);
    customer
}

#[test]
fn the_go_clients_update_of_a_last_name_is_recorded() {
    let request = example!("update_request_go_sdk_last_name_only.derived.json");
    let expected = json!([{ "event": "CustomerUpdated", "last_name": open("Smith") }]);
    assert_eq!(told(update_body(&bob(), request, &FIRST)), expected);
}

#[test]
fn the_documented_creation_is_recorded() {
    let request: Value = serde_json::from_slice(example!("create_request.synthetic.json")).unwrap();
    assert_eq!(
        told(create(&request["customer"])),
        json!([
            {
                "event": "CustomerCreated",
                "ids": { "medusa": "m0", "shopline": "s0" },
                "email": open("bob@example.com"),
                "first_name": open("Bob"),
                "last_name": open("Norman"),
                "phone": open("001467326483"),
                "has_account": false,
                "state": "not_invited",
            "verified_email": false,
                "tags": { "$open": ["loyal"] },
                "birthday": open("19970102"),
                "gender": open("male"),
                "email_subscription": "subscribed",
                "mobile_subscription": "never",
            },
            {
                "event": "AddressChanged",
                "change": "added",
                "address": {
                    "id": "n1",
                    "ids": { "medusa": "m1", "shopline": "s1" },
                    "slot": "shipping",
                    "default": true,
                    "address_1": open("1 Test Street"),
                    "city": open("Hagerman"),
                    "postal_code": open("40202"),
                    "country": open("United States"),
                    "country_code": "US",
                }
            },
        ])
    );
}

#[test]
fn absent_and_null_keep_and_an_empty_text_clears() {
    let full = json!({
        "email": "bob@example.com", "phone": "0015", "first_name": "Bob", "last_name": "Norman",
        "note": "n", "birthday": "19970102", "gender": 1, "tags": "a,b", "accepts_marketing": true,
        "addresses": [{ "city": "Hagerman", "zip": "1", "default": true }],
    });
    let given = create(&full).unwrap();
    let null = json!({
        "email": null, "phone": null, "first_name": null, "last_name": null, "note": null,
        "birthday": null, "gender": null, "tags": null, "accepts_marketing": null,
        "addresses": [{ "id": "s1", "city": null, "zip": null, "default": null }],
    });
    for nothing in [
        json!({}),
        null,
        json!({ "addresses": null }),
        json!({ "addresses": [] }),
    ] {
        assert_eq!(update(&given, &nothing), Ok(vec![]));
    }
    let empty = json!({
        "phone": "", "first_name": "", "last_name": "", "note": "", "birthday": "", "tags": "",
        "addresses": [{ "id": "s1", "city": "" }],
    });
    assert_eq!(
        told(update(&given, &empty)),
        json!([
            {
                "event": "CustomerUpdated",
                "first_name": null, "last_name": null, "phone": null, "tags": null, "note": null,
                "birthday": null,
            },
            {
                "event": "AddressChanged",
                "change": "changed",
                "address": {
                    "id": "n1",
                    "ids": ids(1),
                    "slot": "shipping",
                    "default": true,
                    "postal_code": open("1"),
                },
            },
        ])
    );
}

#[test]
fn a_customer_keeps_an_email_or_a_phone() {
    let both = create(&json!({ "email": "a@b", "phone": "1" })).unwrap();
    assert!(update(&both, &json!({ "email": "" })).is_ok());
    assert!(update(&both, &json!({ "phone": "" })).is_ok());
    assert!(update(&bob(), &json!({ "email": "", "phone": "1" })).is_ok());
    for (given, neither) in [
        (both, json!({ "email": "", "phone": "" })),
        (bob(), json!({ "email": "" })),
    ] {
        let refused = update(&given, &neither).unwrap_err();
        assert_eq!(refused.status(), 422);
        assert_eq!(refused.to_string(), "email or phone is required");
    }
}

#[test]
fn a_new_customer_needs_an_email_or_a_phone() {
    for nobody in [
        json!({}),
        json!({ "first_name": "Bob" }),
        json!({ "email": "", "phone": null }),
        json!({ "tags": "a", "addresses": [{ "phone": "1" }] }),
    ] {
        assert_eq!(create(&nobody).unwrap_err().status(), 422, "{nobody}");
    }
    assert!(create(&json!({ "phone": "0015834564475" })).is_ok());
}

/// Medusa would fix it. Source: DESIGN §8.
#[test]
fn a_registered_customers_email_may_change_but_not_go() {
    let given = [
        create(&json!({ "email": "a@b", "phone": "1" })).unwrap(),
        history(json!([
            { "event": "CustomerUpdated", "has_account": true, "verified_email": true }
        ])),
    ]
    .concat();
    assert_eq!(
        told(update(&given, &json!({ "email": "c@d" }))),
        json!([{ "event": "CustomerUpdated", "email": open("c@d"), "verified_email": false }])
    );
    let refused = update(&given, &json!({ "email": "" })).unwrap_err();
    assert_eq!(refused.status(), 422);
}

#[test]
fn addresses_are_added_or_changed_and_never_lost() {
    let given = bob_at(2);
    let request = json!({ "addresses": [{ "id": "s2", "zip": "1" }, { "city": "Louisville" }] });
    let events = told(update(&given, &request));
    assert_eq!(events.as_array().unwrap().len(), 2);
    assert_eq!(events[0]["change"], "changed");
    assert_eq!(events[0]["address"]["id"], "a2");
    assert_eq!(events[0]["address"]["postal_code"], open("1"));
    assert_eq!(events[0]["address"]["city"], open("Hagerman"));
    assert_eq!(events[1]["change"], "added");
    assert_eq!(events[1]["address"]["id"], "n1");
}

#[test]
fn an_empty_address_id_is_none_and_one_address_may_be_named_twice() {
    let request = json!({ "addresses": [
        { "id": "" }, { "id": null }, { "id": "s1", "zip": "1" }, { "id": "s1", "zip": "2" },
    ] });
    let events = told(update(&bob_at(1), &request));
    assert_eq!(events.as_array().unwrap().len(), 3);
    assert_eq!(events[0]["address"]["postal_code"], open("2"));
    assert_eq!(events[2]["address"]["id"], "n2");
}

#[test]
fn an_unknown_address_is_refused() {
    for id in ["s3", "m1", "a1", "S1", " s1"] {
        let request = json!({ "note": "n", "addresses": [{ "id": id, "zip": "1" }] });
        assert_eq!(update(&bob_at(2), &request).unwrap_err().status(), 422);
    }
}

#[test]
fn an_address_id_in_a_creation_says_nothing() {
    let request = json!({ "email": "a@b", "addresses": [{ "id": "s9", "zip": "1" }] });
    assert_eq!(told(create(&request))[1]["address"]["ids"], json!(ids(1)));
}

/// It is not in SHOPLINE's list. Source: DESIGN §8.
#[test]
fn a_billing_address_is_not_reached() {
    let mut billing = address("s1");
    billing["address"]["slot"] = json!("billing");
    let given = [bob(), history(json!([billing]))].concat();
    let request = json!({ "addresses": [{ "id": "s1", "zip": "1" }] });
    assert_eq!(update(&given, &request).unwrap_err().status(), 422);
}

/// The addresses that an update changes, and whether each is then chosen as the default.
fn defaults(given: &[CustomerEvent], addresses: &Value) -> Vec<(String, bool)> {
    let events = told(update(given, &json!({ "addresses": addresses })));
    let addresses = events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["address"]);
    addresses
        .map(|address| {
            let id = address["id"].as_str().unwrap().to_owned();
            (id, address["default"].as_bool().unwrap())
        })
        .collect()
}

#[test]
fn the_last_address_that_asks_becomes_the_default() {
    let given = bob_at(3);
    let one = json!([{ "id": "s2", "default": true }]);
    assert_eq!(defaults(&given, &one), [("a2".into(), true)]);
    let several = json!([{ "id": "s2", "default": true }, { "id": "s3", "default": true }]);
    assert_eq!(defaults(&given, &several), [("a3".into(), true)]);
}

#[test]
fn the_default_gives_way_but_is_never_merely_given_up() {
    let chosen = update(
        &bob_at(2),
        &json!({ "addresses": [{ "id": "s2", "default": true }] }),
    );
    let given = [bob_at(2), chosen.unwrap()].concat();
    let to_new = [("a2".into(), false), ("n1".into(), true)];
    assert_eq!(defaults(&given, &json!([{ "default": true }])), to_new);
    let to_first = [("a1".into(), true), ("a2".into(), false)];
    let first = json!([{ "id": "s1", "default": true }]);
    assert_eq!(defaults(&given, &first), to_first);
    for same in [true, false] {
        let second = json!([{ "id": "s2", "default": same }]);
        assert_eq!(defaults(&given, &second), []);
    }
}

#[test]
fn the_first_address_is_the_default_as_long_as_none_is_chosen() {
    let first = json!([{ "id": "s1", "default": true }]);
    assert_eq!(defaults(&bob_at(3), &first), []);
}

#[test]
fn tags_are_the_whole_new_set_each_once() {
    let tags = |text: &str| read(&body(&json!({ "tags": text }))).unwrap().tags;
    let set = |tags: &[&str]| Patch::Set(tags.iter().map(|tag| (*tag).to_owned()).collect());
    assert_eq!(tags("loyal"), set(&["loyal"]));
    assert_eq!(tags(" b , a,,b, ,c d,A "), set(&["b", "a", "c d", "A"]));
    for none in ["", " ", ",", " , ,"] {
        assert_eq!(tags(none), Patch::Clear);
    }
    let first = update(&bob(), &json!({ "tags": "a,b" })).unwrap();
    let given = [bob(), first].concat();
    let expected = json!([{ "event": "CustomerUpdated", "tags": { "$open": ["b", "c"] } }]);
    assert_eq!(told(update(&given, &json!({ "tags": "b,c" }))), expected);
    assert_eq!(update(&given, &json!({ "tags": " a,b,a " })), Ok(vec![]));
    let expected = json!([{ "event": "CustomerUpdated", "tags": null }]);
    assert_eq!(told(update(&given, &json!({ "tags": "," }))), expected);
}

#[test]
fn a_subscription_needs_an_email_when_it_changes() {
    let phone_only = create(&json!({ "phone": "1" })).unwrap();
    let refused = update(&phone_only, &json!({ "accepts_marketing": true })).unwrap_err();
    assert_eq!(refused.status(), 422);
    let unchanged = json!({ "accepts_marketing": false });
    assert_eq!(update(&phone_only, &unchanged), Ok(vec![]));
    let both = json!({ "accepts_marketing": true, "email": "a@b" });
    assert_eq!(
        told(update(&phone_only, &both)),
        json!([{
            "event": "CustomerUpdated", "email": open("a@b"), "email_subscription": "subscribed"
        }])
    );
    let new = json!({ "phone": "1", "accepts_marketing": true });
    assert_eq!(create(&new).unwrap_err().status(), 422);
}

/// Never subscribed stays so; once subscribed becomes unsubscribed.
#[test]
fn ending_a_subscription_needs_one() {
    let end = json!({ "accepts_marketing": false });
    let start = json!({ "accepts_marketing": true });
    assert_eq!(update(&bob(), &end), Ok(vec![]));
    let subscribed = [bob(), update(&bob(), &start).unwrap()].concat();
    assert_eq!(update(&subscribed, &start), Ok(vec![]));
    let ended = json!([{ "event": "CustomerUpdated", "email_subscription": "unsubscribed" }]);
    assert_eq!(told(update(&subscribed, &end)), ended);
}

#[test]
fn social_accounts_are_the_whole_list() {
    let accounts = |list: Value| json!({ "social_customer": list });
    let recorded = |value: Value| json!([{ "event": "CustomerUpdated", "social_customer": value }]);
    let set = update(&bob(), &accounts(json!(["fb:1", "line:2"]))).unwrap();
    let one = json!({ "$open": ["fb:1", "line:2"] });
    assert_eq!(told(Ok(set.clone())), recorded(one));
    let given = [bob(), set].concat();
    for same in [json!(["fb:1", "line:2"]), json!(null)] {
        assert_eq!(update(&given, &accounts(same)), Ok(vec![]));
    }
    let cleared = update(&given, &accounts(json!([])));
    assert_eq!(told(cleared), recorded(json!(null)));
    assert_eq!(update(&bob(), &accounts(json!([]))), Ok(vec![]));
    for (list, expected) in [
        (json!("fb:1"), "an array"),
        (json!([1]), "an array of strings"),
    ] {
        let member = "social_customer";
        let refused = ApiError::WrongType { member, expected };
        assert_eq!(update(&bob(), &accounts(list)), Err(refused));
    }
    let nul = update(&bob(), &accounts(json!(["\0"])));
    let member = "social_customer";
    assert_eq!(nul, Err(ApiError::NulCharacter { member }));
}

#[test]
fn unknown_members_say_nothing() {
    let request = json!({
        "email_marketing_consent": {},
        "sms_marketing_consent": { "state": "1", "opt_in_level": 7 },
        "nick_name": 1, "language": [], "id": {}, "password": "secret", "verified_email": "yes",
        "addresses": [{ "id": "s1", "def": "x", "customer_id": 7, "name": {}, "district": 1 }],
    });
    assert_eq!(update(&bob_at(1), &request), Ok(vec![]));
}

#[test]
fn saying_the_same_again_records_nothing() {
    let request: Value = serde_json::from_slice(example!("create_request.synthetic.json")).unwrap();
    let mut request = request["customer"].clone();
    let given = create(&request).unwrap();
    request["addresses"][0]["id"] = json!("s1");
    assert_eq!(update(&given, &request), Ok(vec![]));
}

/// What Medusa wrote, shown as SHOPLINE shows it. Source: DESIGN §8, rule 3.
#[test]
fn what_was_shown_comes_back_unchanged() {
    let mut stored = address("s1");
    stored["address"]["country_code"] = json!("us");
    stored["address"]["company"] = open("");
    let names = json!({ "event": "CustomerUpdated", "last_name": open(""), "note": open("") });
    let given = [bob(), history(json!([names, stored]))].concat();
    let shown = json!({
        "email": "bob@example.com", "first_name": "Bob", "last_name": "", "phone": "", "note": "",
        "tags": "", "accepts_marketing": false,
        "addresses": [{
            "id": "s1", "default": true, "country_code": "US", "country": "", "company": "",
            "city": "", "zip": "", "phone": "", "first_name": "", "last_name": "", "address1": "",
            "address2": "", "province": "", "province_code": "",
        }],
    });
    assert_eq!(update(&given, &shown), Ok(vec![]));
}

#[test]
fn a_missing_customer_is_refused_and_an_empty_one_changes_nothing() {
    assert_eq!(
        parse_update(b"{}", &FIRST),
        Err(ApiError::Required { member: "customer" })
    );
    assert_eq!(
        parse_create(b"{}", &FIRST),
        Err(ApiError::Required { member: "customer" })
    );
    assert_eq!(update(&bob(), &json!({})), Ok(vec![]));
}

#[test]
fn a_customer_that_is_not_there_does_not_exist() {
    let gone = [bob(), history(json!([{ "event": "CustomerDeleted" }]))].concat();
    let erased = [bob(), history(json!([{ "event": "PersonalDataErased" }]))].concat();
    for given in [vec![], gone, erased] {
        let refused = update(&given, &json!({ "note": "n" })).unwrap_err();
        assert_eq!((refused.status(), refused), (406, ApiError::NoSuchData));
    }
}
