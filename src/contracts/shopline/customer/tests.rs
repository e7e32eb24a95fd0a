//! What requests make of a customer: given events, when a request comes, then events or a refusal.

use cqrs_es::test::TestFramework;
use events::CustomerEvent;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::contracts::shopline::versions::{VERSION_20220901, VERSION_20230901};
use crate::domain::customer::{Command, Customer};

mod consents;
mod decisions;
mod limits;

static ZONE: TimeZone = TimeZone::UTC;

/// Bodies as the first version reads them, half a second after the beginning of 2024.
const FIRST: Reading<'static> = Reading {
    version: &VERSION_20220901,
    zone: &ZONE,
    now: Timestamp::constant(1_704_067_200, 500_000_000),
};

/// The same, since v20230901.
const LATER: Reading<'static> = Reading {
    version: &VERSION_20230901,
    ..FIRST
};

fn ids(number: usize) -> ForeignIds {
    ForeignIds {
        medusa: format!("m{number}").into(),
        shopline: format!("s{number}").into(),
    }
}

/// New addresses get the ids `n1`, `n2` …
fn drawn() -> impl FnMut() -> NewAddress {
    let mut number = 0;
    move || {
        number += 1;
        NewAddress {
            id: format!("n{number}"),
            ids: ids(number),
        }
    }
}

fn body(customer: &Value) -> Vec<u8> {
    json!({ "customer": customer }).to_string().into_bytes()
}

fn read(body: &[u8]) -> Result<Fields, ApiError> {
    parse_update(body, &FIRST).map(|request| request.fields)
}

/// What the creation of this customer records, as JSON, or the refusal.
fn create(customer: &Value) -> Result<Vec<CustomerEvent>, ApiError> {
    create_at(&FIRST, customer)
}

/// The same, read so.
fn create_at(reading: &Reading<'_>, customer: &Value) -> Result<Vec<CustomerEvent>, ApiError> {
    let create = parse_create(&body(customer), reading)?;
    let command = create.into_command(reading.version.rules, ids(0), drawn());
    TestFramework::<Customer>::with(())
        .given_no_previous_events()
        .when(Command::Create(Box::new(command)))
        .inspect_result()
        .map_err(ApiError::from)
}

fn update_body(
    given: &[CustomerEvent],
    body: &[u8],
    reading: &Reading<'_>,
) -> Result<Vec<CustomerEvent>, ApiError> {
    let command = parse_update(body, reading)?.into_command(reading.version.rules, drawn());
    TestFramework::<Customer>::with(())
        .given(given.to_vec())
        .when(Command::Update(Box::new(command)))
        .inspect_result()
        .map_err(ApiError::from)
}

/// What this update of a customer records, or the refusal.
fn update(given: &[CustomerEvent], customer: &Value) -> Result<Vec<CustomerEvent>, ApiError> {
    update_at(&FIRST, given, customer)
}

/// The same, read so.
fn update_at(
    reading: &Reading<'_>,
    given: &[CustomerEvent],
    customer: &Value,
) -> Result<Vec<CustomerEvent>, ApiError> {
    update_body(given, &body(customer), reading)
}

/// Events in JSON with their personal values in the clear, so that a failure can be read.
#[track_caller]
fn told(result: Result<Vec<CustomerEvent>, ApiError>) -> Value {
    serde_json::to_value(result.unwrap()).unwrap()
}

/// Events from their JSON form, where each leaf that is personal is written as itself.
fn history(events: Value) -> Vec<CustomerEvent> {
    serde_json::from_value(events).unwrap()
}

fn open(value: &str) -> Value {
    json!({ "$open": value })
}

/// A customer with an e-mail, made through SHOPLINE.
fn bob() -> Vec<CustomerEvent> {
    create(&json!({ "email": "bob@example.com", "first_name": "Bob" })).unwrap()
}

/// Bob with addresses of SHOPLINE's ids `s1`, `s2` …, none chosen as the default.
fn bob_at(addresses: usize) -> Vec<CustomerEvent> {
    let mut events = bob();
    events.extend((1..=addresses).map(|number| {
        let change = json!({
            "event": "AddressChanged",
            "change": "added",
            "address": {
                "id": format!("a{number}"),
                "ids": ids(number),
                "slot": "shipping",
                "default": false,
                "city": open("Hagerman"),
            }
        });
        serde_json::from_value(change).unwrap()
    }));
    events
}

#[test]
fn a_wrong_json_type_is_refused_with_the_member_named() {
    let wrong = |wanted: Type| match wanted {
        Type::Array => (json!({}), "an array"),
        Type::Boolean => (json!("true"), "a boolean"),
        Type::Object => (json!([]), "an object"),
        Type::Integer => (json!("1"), "an integer"),
        Type::String => (json!(1), "a string"),
    };
    for (member, wanted) in CUSTOMER_TYPES {
        let (value, expected) = wrong(wanted);
        let refused = read(&body(&json!({ member: value }))).unwrap_err();
        assert_eq!(refused.status(), 400);
        assert_eq!(refused, ApiError::WrongType { member, expected });
    }
    for (member, wanted) in ADDRESS_TYPES {
        let (value, expected) = wrong(wanted);
        let name = member.strip_prefix("addresses.").unwrap();
        let refused = read(&body(&json!({ "addresses": [{}, { name: value }] })));
        assert_eq!(refused, Err(ApiError::WrongType { member, expected }));
    }
    let refused = read(&body(&json!({ "addresses": [null] }))).unwrap_err();
    assert_eq!(refused.to_string(), "addresses must be an array of objects");
}

#[test]
fn a_wrong_type_is_told_before_a_wrong_value() {
    let customer = json!({ "birthday": "never", "addresses": [{ "zip": 1 }] });
    assert_eq!(read(&body(&customer)).unwrap_err().status(), 400);
}

#[test]
fn a_gender_is_an_integer_from_0_to_3() {
    let gender = |number: Value| read(&body(&json!({ "gender": number })));
    for (number, expected) in [
        (json!(0), Gender::Unknown),
        (json!(1), Gender::Male),
        (json!(1.0), Gender::Male),
        (json!(2), Gender::Female),
        (json!(3), Gender::Secret),
    ] {
        assert_eq!(gender(number).unwrap().gender, Patch::Set(expected));
    }
    for number in [json!(4), json!(-1), json!(1e300), json!(u64::MAX)] {
        assert_eq!(gender(number), Err(ApiError::NotAGender));
    }
    for other in [
        json!(1.5),
        json!("1"),
        json!(""),
        json!("male"),
        json!(true),
    ] {
        assert_eq!(gender(other).unwrap_err().status(), 400);
    }
}

#[test]
fn a_birthday_is_a_day_of_the_calendar() {
    let birthday = |text: &str| read(&body(&json!({ "birthday": text })));
    for day in ["19970102", "20000229", "19001231", "00010101", "99991231"] {
        let fields = birthday(day).unwrap();
        assert_eq!(fields.birthday, Patch::Set(day.to_owned()));
    }
    for other in [
        "1997-01-02",
        "970102",
        "19970229",
        "19000229",
        "19971301",
        "19970100",
        "19970132",
        "00000101",
        "1997010２",
        " 9970102",
        "+9970102",
        "199701021",
        "never",
    ] {
        assert_eq!(birthday(other), Err(ApiError::NotADate), "{other}");
    }
    assert_eq!(birthday("").unwrap().birthday, Patch::Clear);
}

#[test]
fn an_email_is_refused_when_it_cannot_be_one() {
    let email = |text: &str| read(&body(&json!({ "email": text })));
    for fine in [
        "a@b",
        "Bob.Norman+x@example.com",
        "\"a b\"@c.d",
        "ü@例え.jp",
        "a@b@c",
    ] {
        assert_eq!(email(fine).unwrap().email, Patch::Set(fine.to_owned()));
    }
    for wrong in [
        "bob",
        "@example.com",
        "bob@",
        "@",
        " ",
        " bob@example.com",
        "a@b\n",
    ] {
        assert_eq!(email(wrong), Err(ApiError::NotAnEmail), "{wrong}");
    }
}

#[test]
fn no_text_holds_a_nul() {
    for (member, wanted) in CUSTOMER_TYPES {
        if matches!(wanted, Type::String) {
            let refused = read(&body(&json!({ member: "a\0@b" }))).unwrap_err();
            assert_eq!(refused, ApiError::NulCharacter { member });
            assert_eq!(refused.status(), 422);
        }
    }
    for (member, wanted) in ADDRESS_TYPES {
        if matches!(wanted, Type::String) {
            let name = member.strip_prefix("addresses.").unwrap();
            let refused = read(&body(&json!({ "addresses": [{ name: "\0" }] })));
            assert_eq!(refused, Err(ApiError::NulCharacter { member }));
        }
    }
    // What is not read may hold anything.
    assert!(
        read(&body(
            &json!({ "nick\0name": "\0", "addresses": [{ "name": "\0" }] })
        ))
        .is_ok()
    );
}

#[test]
fn of_a_member_named_twice_the_last_wins() {
    let fields = read(br#"{"customer":{"note":"a"},"customer":{"note":1,"note":"b"}}"#).unwrap();
    assert_eq!(fields.note, Patch::Set("b".to_owned()));
}

#[test]
fn a_list_of_addresses_is_bounded_before_it_is_built() {
    let list = |length| body(&json!({ "addresses": vec![json!({ "id": "s1" }); length] }));
    assert_eq!(
        parse_update(&list(5000), &FIRST).unwrap().addresses.len(),
        ADDRESS_ITEMS_MAX
    );
    assert_eq!(
        parse_update(&list(5001), &FIRST),
        Err(ApiError::TooManyAddresses)
    );
}

#[test]
fn country_name_serves_where_country_is_not_given() {
    let country = |address: Value| {
        let request = parse_update(&body(&json!({ "addresses": [address] })), &FIRST).unwrap();
        request.addresses[0].country.clone()
    };
    let set = |text: &str| Patch::Set(text.to_owned());
    assert_eq!(
        country(json!({ "country": "A", "country_name": "B" })),
        set("A")
    );
    assert_eq!(country(json!({ "country_name": "B" })), set("B"));
    assert_eq!(
        country(json!({ "country": null, "country_name": "B" })),
        set("B")
    );
    assert_eq!(
        country(json!({ "country": "", "country_name": "B" })),
        Patch::Clear
    );
    assert_eq!(country(json!({})), Patch::Keep);
}

/// Any JSON, with the names and near-values that the parser knows.
fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        prop::sample::select(vec!["", "s1", "a@b", "19970102", "x,y,,x", "\0"])
            .prop_map(ToOwned::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-1..5).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    let name = prop::sample::select(
        CUSTOMER_TYPES
            .iter()
            .chain(&LATER_TYPES)
            .chain(&ADDRESS_TYPES)
            .map(|(name, _)| name.rsplit('.').next().unwrap())
            .chain(["email_marketing_consent", "sms_marketing_consent", "state"])
            .chain([
                "opt_in_level",
                "consent_updated_at",
                "consent_collected_from",
            ])
            .collect::<Vec<_>>(),
    );
    leaf.prop_recursive(3, 60, 12, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..12).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<Map<_, _>>()
                .into()),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for reading in [FIRST, LATER] {
            drop(parse_create(&bytes, &reading));
            drop(parse_update(&bytes, &reading));
        }
    }

    #[test]
    fn any_json_is_decided_or_refused(value in any_json()) {
        for reading in [FIRST, LATER] {
            drop(create_at(&reading, &value));
            drop(update_at(&reading, &bob_at(2), &value));
        }
    }
}
