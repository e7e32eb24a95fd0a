//! Every limit: at its edge, one over, and a stored misfit that comes back.
//! Source: SHOPLINE, update customer v20220901 and v20230901, request fields.

use super::*;

/// A text of so many characters, of more bytes and of more UTF-16 units: scalars are counted.
fn text(length: usize) -> String {
    "😀".repeat(length)
}

fn email(length: usize) -> String {
    format!("{}@b", text(length - 2))
}

const FIELDS: [(&str, usize); 4] = [
    ("first_name", 128),
    ("last_name", 128),
    ("phone", 20),
    ("note", 1000),
];

/// With the name that the ledger has for it.
const ADDRESS_FIELDS: [(&str, &str, usize); 12] = [
    ("address1", "address_1", 255),
    ("address2", "address_2", 255),
    ("company", "company", 255),
    ("city", "city", 64),
    ("country", "country", 64),
    ("province", "province", 64),
    ("country_code", "country_code", 50),
    ("province_code", "province_code", 50),
    ("first_name", "first_name", 128),
    ("last_name", "last_name", 128),
    ("phone", "phone", 16),
    ("zip", "postal_code", 10),
];

#[track_caller]
fn assert_too_long(result: Result<Vec<CustomerEvent>, ApiError>, expected: &str) {
    let refused = result.unwrap_err();
    assert_eq!(refused.status(), 422);
    assert_eq!(refused.to_string(), expected);
}

fn with_email(mut customer: Value) -> Value {
    customer["email"] = json!("new@example.com");
    customer
}

/// Bob, after his customer's field became this text through Medusa.
fn bob_with(field: &str, text: &str) -> Vec<CustomerEvent> {
    let updated = json!([{ "event": "CustomerUpdated", field: open(text) }]);
    [bob(), history(updated)].concat()
}

#[test]
fn a_text_may_be_as_long_as_its_limit() {
    for (field, limit) in FIELDS {
        let over = limit + 1;
        let expected = format!("{field} has {over} characters, at most {limit} are allowed");
        let fits = json!({ field: text(limit) });
        let over = json!({ field: text(over) });
        assert_eq!(update(&bob(), &fits).unwrap().len(), 1);
        assert_eq!(create(&with_email(fits)).unwrap().len(), 1);
        assert_too_long(update(&bob(), &over), &expected);
        assert_too_long(create(&with_email(over)), &expected);
    }
}

#[test]
fn an_email_may_have_50_characters() {
    let expected = "email has 51 characters, at most 50 are allowed";
    assert!(update(&bob(), &json!({ "email": email(50) })).is_ok());
    assert!(create(&json!({ "email": email(50) })).is_ok());
    assert_too_long(update(&bob(), &json!({ "email": email(51) })), expected);
    assert_too_long(create(&json!({ "email": email(51) })), expected);
}

#[test]
fn a_text_of_an_address_may_be_as_long_as_its_limit() {
    for (field, _, limit) in ADDRESS_FIELDS {
        let over = limit + 1;
        let expected =
            format!("addresses.{field} has {over} characters, at most {limit} are allowed");
        for id in [json!("s1"), Value::Null] {
            let fits = json!({ "addresses": [{ "id": id, field: text(limit) }] });
            let over = json!({ "addresses": [{ "id": id, field: text(over) }] });
            assert_eq!(update(&bob_at(1), &fits).unwrap().len(), 1);
            assert_too_long(update(&bob_at(1), &over), &expected);
            assert_too_long(create(&with_email(over)), &expected);
        }
    }
    let over = json!({ "addresses": [{ "country_name": text(65) }] });
    let expected = "addresses.country has 65 characters, at most 64 are allowed";
    assert_too_long(update(&bob(), &over), expected);
}

#[test]
fn a_customer_may_have_100_tags() {
    let list = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
    let tags = |text: String| update(&bob(), &json!({ "tags": text }));
    assert!(tags(list(100).join(",")).is_ok());
    assert_too_long(
        tags(list(101).join(",")),
        "tags has 101 items, at most 100 are allowed",
    );
    // What is said twice counts once, and blanks do not count.
    assert!(tags([list(100), list(100)].concat().join(" , ")).is_ok());
}

#[test]
fn a_tag_may_have_100_characters() {
    let tags = |text: String| update(&bob(), &json!({ "tags": text }));
    assert!(tags(format!("a, {} ", text(100))).is_ok());
    assert_too_long(
        tags(format!("a,{}", text(101))),
        "tags[] has 101 characters, at most 100 are allowed",
    );
}

#[test]
fn tags_may_have_1000_characters_in_all() {
    // Ten different tags of 99 characters, and the nine commas between them.
    let most = (0..10)
        .map(|number| format!("{number}{}", text(98)))
        .collect::<Vec<_>>()
        .join(",");
    let tags = |text: String| update(&bob(), &json!({ "tags": text }));
    assert!(tags(format!("{most}x")).is_ok());
    assert_too_long(
        tags(format!("x{most}x")),
        "tags has 1001 characters, at most 1000 are allowed",
    );
}

#[test]
fn a_customer_may_have_50_addresses() {
    let expected = "addresses has 51 items, at most 50 are allowed";
    let new = |count| json!({ "addresses": vec![json!({ "city": "Hagerman" }); count] });
    assert_eq!(update(&bob(), &new(50)).unwrap().len(), 50);
    assert_eq!(update(&bob_at(49), &new(1)).unwrap().len(), 1);
    assert_too_long(update(&bob(), &new(51)), expected);
    assert_too_long(update(&bob(), &new(5000)), expected);
    assert_too_long(update(&bob_at(50), &new(1)), expected);
    assert_too_long(create(&with_email(new(51))), expected);
}

/// Source: DESIGN §8, rule 3. A value equal to the stored one counts as absent before limits.
#[test]
fn a_stored_misfit_comes_back_and_a_new_one_does_not() {
    for (field, limit) in FIELDS {
        let given = bob_with(field, &text(limit + 10));
        let same = json!({ field: text(limit + 10), "accepts_marketing": true });
        assert_eq!(
            told(update(&given, &same)),
            json!([{ "event": "CustomerUpdated", "email_subscription": "subscribed" }])
        );
        let other = json!({ field: text(limit + 9) });
        assert_eq!(update(&given, &other).unwrap_err().status(), 422);
        assert!(update(&given, &json!({ field: text(limit) })).is_ok());
    }
    let given = bob_with("email", &email(60));
    assert_eq!(update(&given, &json!({ "email": email(60) })), Ok(vec![]));
    let other = json!({ "email": email(61) });
    assert_eq!(update(&given, &other).unwrap_err().status(), 422);
}

#[test]
fn a_stored_misfit_of_an_address_comes_back() {
    for (field, ledger_field, limit) in ADDRESS_FIELDS {
        let mut events = serde_json::to_value(bob_at(1)).unwrap();
        events[1]["address"][ledger_field] = open(&text(limit + 10));
        let given = history(events);
        let shown = |length| json!({ "addresses": [{ "id": "s1", field: text(length) }] });
        assert_eq!(update(&given, &shown(limit + 10)), Ok(vec![]));
        let refused = update(&given, &shown(limit + 9)).unwrap_err();
        assert_eq!(refused.status(), 422);
    }
}

#[test]
fn more_addresses_than_allowed_are_kept_and_changed_but_not_added_to() {
    let given = bob_at(60);
    let mut shown: Vec<_> = (1..=60)
        .map(|number| json!({ "id": format!("s{number}") }))
        .collect();
    assert_eq!(update(&given, &json!({ "addresses": shown })), Ok(vec![]));
    shown[59]["zip"] = json!("1");
    let changed = update(&given, &json!({ "addresses": shown })).unwrap();
    assert_eq!(changed.len(), 1);
    shown.push(json!({}));
    assert_too_long(
        update(&given, &json!({ "addresses": shown })),
        "addresses has 61 items, at most 50 are allowed",
    );
}

/// With the limits of v20220901 and v20230901.
const LATER_LIMITS: [(&str, usize, usize); 2] = [("phone", 16, 20), ("zip", 10, 64)];

#[test]
fn since_v20230901_a_phone_and_a_zip_of_an_address_may_be_longer() {
    for (field, before, limit) in LATER_LIMITS {
        let address = |length| json!({ "addresses": [{ field: text(length) }] });
        let expected = |over, limit| {
            format!("addresses.{field} has {over} characters, at most {limit} are allowed")
        };
        let one_over = update(&bob(), &address(before + 1));
        assert_too_long(one_over, &expected(before + 1, before));
        assert_eq!(update_at(&LATER, &bob(), &address(limit)).unwrap().len(), 1);
        let over = update_at(&LATER, &bob(), &address(limit + 1));
        assert_too_long(over, &expected(limit + 1, limit));
    }
}

#[test]
fn since_v20230901_a_tag_may_have_128_characters() {
    let tags = |length| update_at(&LATER, &bob(), &json!({ "tags": text(length) }));
    assert!(tags(128).is_ok());
    assert_too_long(
        tags(129),
        "tags[] has 129 characters, at most 128 are allowed",
    );
}

#[test]
fn a_multipass_identifier_may_have_100_characters() {
    let body = |length| json!({ "multipass_identifier": text(length) });
    let expected = "multipass_identifier has 101 characters, at most 100 are allowed";
    assert_eq!(update_at(&LATER, &bob(), &body(100)).unwrap().len(), 1);
    assert_too_long(update_at(&LATER, &bob(), &body(101)), expected);
    assert_too_long(create_at(&LATER, &with_email(body(101))), expected);
}

#[test]
fn where_a_consent_was_collected_may_have_50_characters() {
    for consent in ["email_marketing_consent", "sms_marketing_consent"] {
        let body = |length| {
            json!({
                "phone": "001467326483",
                consent: { "state": 1, "consent_collected_from": text(length) },
            })
        };
        let expected =
            format!("{consent}.consent_collected_from has 51 characters, at most 50 are allowed");
        assert!(update_at(&LATER, &bob(), &body(50)).is_ok());
        assert_too_long(update_at(&LATER, &bob(), &body(51)), &expected);
        assert_too_long(create_at(&LATER, &with_email(body(51))), &expected);
    }
}
