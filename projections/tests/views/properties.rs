//! What holds for every history.

use events::CustomerEvent;
use events::address::{Address, CountryCode, Slot};
use events::customer::{
    Consent, CustomerCreated, CustomerState, CustomerUpdated, Gender, OptInLevel, Subscription,
};
use events::patch::Patch;
use events::personal::Personal;
use jiff::Timestamp;
use projections::medusa::{Given, Related, Relations, render_created, render_customer};
use projections::shopline::{Version, render_read, render_updated};
use projections::{Continuity, View as _, medusa, shopline};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::given::{
    History, added, address, assigned, born, changed, created, deleted, erased, password, removed,
    store, updated,
};

/// Every personal text of these histories carries it.
const MARK: &str = "mark-";

fn text() -> impl Strategy<Value = String> {
    r#"[ -~é😀\n"\\\x00]{0,6}"#.prop_map(|text| format!("{MARK}{text}"))
}

fn personal() -> impl Strategy<Value = Option<Personal<String>>> {
    of(text().prop_map(Personal::from))
}

fn patch<T: std::fmt::Debug + Clone + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Patch<Personal<T>>> {
    prop_oneof![
        Just(Patch::Keep),
        Just(Patch::Clear),
        value.prop_map(|value| Patch::Set(Personal::from(value))),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            members(inner).prop_map(Value::from),
        ]
    })
}

fn members(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    let key = prop_oneof![
        text(),
        (0..300_u32).prop_map(|index| format!("{MARK}{index}"))
    ];
    vec((key, value), 0..4).prop_map(Map::from_iter)
}

fn subscription() -> impl Strategy<Value = Subscription> {
    prop_oneof![
        Just(Subscription::Unsubscribed),
        Just(Subscription::Subscribed),
        Just(Subscription::Never),
        Just(Subscription::Pending),
    ]
}

fn consent() -> impl Strategy<Value = Option<Consent>> {
    let level = prop_oneof![Just(OptInLevel::Unknown), Just(OptInLevel::Confirmed)];
    let time = (0..4_000_000_000_i64).prop_map(|second| Timestamp::from_second(second).unwrap());
    let consent = (level, of(time), personal());
    of(
        consent.prop_map(|(opt_in_level, updated_at, collected_from)| Consent {
            opt_in_level,
            updated_at,
            collected_from,
        }),
    )
}

fn birth() -> impl Strategy<Value = CustomerCreated> {
    (
        (personal(), personal(), personal(), personal()),
        (personal(), personal(), personal(), personal()),
        of(members(json())),
        of(vec(text(), 0..3)),
        any::<bool>(),
        (
            subscription(),
            consent(),
            subscription(),
            consent(),
            personal(),
        ),
    )
        .prop_map(|(names, notes, metadata, tags, has_account, consents)| {
            let (email, first_name, last_name, phone) = names;
            let (note, birthday, language, nick_name) = notes;
            CustomerCreated {
                email,
                first_name,
                last_name,
                phone,
                note,
                birthday,
                language,
                nick_name,
                has_account,
                metadata: metadata.map(Personal::from),
                tags: tags.map(Personal::from),
                verified_email: has_account,
                email_subscription: consents.0,
                email_consent: consents.1,
                mobile_subscription: consents.2,
                mobile_consent: consents.3,
                multipass_identifier: consents.4,
                ..born()
            }
        })
}

fn update() -> impl Strategy<Value = CustomerUpdated> {
    let gender = prop_oneof![Just(Gender::Male), Just(Gender::Unknown)];
    (
        (patch(text()), patch(text()), patch(text()), patch(text())),
        (patch(text()), patch(text()), patch(text()), patch(text())),
        (patch(members(json())), patch(vec(text(), 0..3))),
        (of(any::<bool>()), of(any::<bool>()), patch(gender)),
        (
            of(subscription()),
            consent(),
            of(subscription()),
            consent(),
            patch(text()),
        ),
    )
        .prop_map(|(names, notes, lists, flags, consents)| CustomerUpdated {
            email: names.0,
            first_name: names.1,
            last_name: names.2,
            phone: names.3,
            note: notes.0,
            birthday: notes.1,
            language: notes.2,
            nick_name: notes.3,
            metadata: lists.0,
            tags: lists.1.clone(),
            social_customer: lists.1,
            has_account: flags.0,
            state: flags.0.map(|_| CustomerState::Registered),
            verified_email: flags.1,
            gender: flags.2,
            email_subscription: consents.0,
            email_consent: consents.1,
            mobile_subscription: consents.2,
            mobile_consent: consents.3,
            multipass_identifier: consents.4,
        })
}

fn some_address() -> impl Strategy<Value = Address> {
    (
        "[A-D]",
        any::<bool>(),
        (personal(), personal(), personal(), personal()),
        (personal(), personal(), personal(), personal()),
        of(prop_oneof![
            Just("us".to_owned()),
            Just("DK".to_owned()),
            text()
        ]),
        of(json()),
    )
        .prop_map(|(id, default, names, places, code, metadata)| Address {
            // An address never changes its slot.
            slot: if id == "D" {
                Slot::Billing
            } else {
                Slot::Shipping
            },
            default,
            first_name: names.0,
            company: names.1,
            address_1: names.2,
            postal_code: names.3,
            province: places.0,
            province_code: places.1,
            country: places.2,
            town: places.3.clone(),
            district: places.3,
            country_code: code.map(CountryCode::new),
            metadata: metadata.map(Personal::from),
            ..address(&id)
        })
}

fn event() -> impl Strategy<Value = CustomerEvent> {
    prop_oneof![
        4 => update().prop_map(updated),
        2 => some_address().prop_map(added),
        2 => some_address().prop_map(changed),
        1 => some_address().prop_map(removed),
        1 => Just(assigned(&["G", "H"])),
        1 => Just(password()),
    ]
}

fn life() -> impl Strategy<Value = History<CustomerEvent>> {
    (birth(), vec(event(), 0..12))
        .prop_map(|(birth, events)| events.into_iter().fold(created(birth), History::then))
}

/// The same history after its key was deleted: every personal value reads as erased.
fn without_key(history: &History<CustomerEvent>) -> History<CustomerEvent> {
    fn erase(value: &mut Value) {
        match value {
            Value::Object(members) if members.contains_key("$open") => {
                *value = serde_json::json!({"$erased": true});
            }
            Value::Object(members) => members.values_mut().for_each(erase),
            Value::Array(items) => items.iter_mut().for_each(erase),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut history = history.clone();
    for record in &mut history.records {
        let mut value = serde_json::to_value(&record.event).unwrap();
        erase(&mut value);
        record.event = serde_json::from_value(value).unwrap();
    }
    history
}

fn stored<T: Serialize + DeserializeOwned>(view: &T) -> (String, T) {
    let text = serde_json::to_string(view).unwrap();
    let back = serde_json::from_str(&text).unwrap();
    (text, back)
}

fn everything() -> Relations {
    let all = "billing_address.country.region,billing_address.customer,groups.customers,\
               orders,shipping_addresses.country,shipping_addresses.customer.groups";
    Relations::of_customer(Some(all)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_view_survives_its_table_at_every_step(history in life()) {
        let mut medusa = medusa::Customer::default();
        let mut shopline = shopline::Customer::default();
        for record in &history.records {
            prop_assert_eq!(medusa.continuity(record.sequence), Continuity::Next);
            medusa.apply(record);
            shopline.apply(record);
            prop_assert_eq!(medusa.continuity(record.sequence), Continuity::Seen);
            prop_assert_eq!(shopline.continuity(record.sequence), Continuity::Seen);
            let (text, back) = stored(&medusa);
            prop_assert!(back == medusa);
            prop_assert_eq!(stored(&back).0, text);
            medusa = back;
            let (text, back) = stored(&shopline);
            prop_assert!(back == shopline);
            prop_assert_eq!(stored(&back).0, text);
            shopline = back;
        }
        prop_assert_eq!(stored(&medusa).0, stored(&history.medusa()).0);
        prop_assert_eq!(stored(&shopline).0, stored(&history.shopline()).0);
    }

    #[test]
    fn every_answer_is_json_and_the_same_when_asked_again(history in life()) {
        let (medusa, shopline) = (history.medusa(), history.shopline());
        let given = Given { phone: true, metadata: true };
        let answers = || [
            render_customer(&medusa, &Related::default(), &everything()),
            render_created(&medusa, given),
            render_read(&shopline, &store(), Version::V20220901, None),
            shopline::render_created(&shopline, &store(), Version::V20230901),
            render_updated(&shopline, &store(), Version::V20230901),
        ];
        prop_assert_eq!(answers(), answers());
        for answer in answers() {
            let value: Value = serde_json::from_str(&answer).unwrap();
            prop_assert!(value["customer"].is_object());
        }
    }

    #[test]
    fn exactly_one_listed_address_is_the_default(history in life()) {
        let shown = history.in_shopline();
        let listed = shown["addresses"].as_array().unwrap();
        let flagged: Vec<_> = listed.iter().filter(|address| address["default"] == true).collect();
        prop_assert_eq!(flagged.len(), usize::from(!listed.is_empty()));
        prop_assert_eq!(flagged.first().copied(), shown.get("default_address"));
    }

    #[test]
    fn a_deleted_view_holds_nothing_personal(history in life(), by_erasure in any::<bool>()) {
        let history = history.then(if by_erasure { erased() } else { deleted() });
        let (medusa, shopline) = (stored(&history.medusa()).0, stored(&history.shopline()).0);
        prop_assert!(!medusa.contains(MARK), "{}", medusa);
        prop_assert!(!shopline.contains(MARK), "{}", shopline);
    }

    #[test]
    fn a_view_rebuilt_after_the_erasure_is_the_live_one(history in life(), also in any::<bool>()) {
        let history = if also { history.then(deleted()) } else { history };
        let history = history.then(erased());
        let rebuilt = without_key(&history);
        prop_assert_eq!(stored(&history.medusa()).0, stored(&rebuilt.medusa()).0);
        prop_assert_eq!(stored(&history.shopline()).0, stored(&rebuilt.shopline()).0);
        let alive = History { records: rebuilt.records[..1].to_vec(), ..rebuilt };
        let text = stored(&alive.medusa()).0 + &stored(&alive.shopline()).0;
        prop_assert!(!text.contains(MARK), "{}", text);
    }
}
