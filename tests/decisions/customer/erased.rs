//! A past whose personal values nobody can read any more still folds, and commands still work on it.

use super::*;

fn open(value: &Value) -> Value {
    json!({ "$open": value })
}

/// Every event with every personal field, in the order of a life.
fn whole_life() -> Value {
    let text = open(&json!("x"));
    let consent = json!({ "opt_in_level": "single", "collected_from": text });
    let personal = json!({
        "email": text, "first_name": text, "last_name": text, "phone": text,
        "metadata": open(&json!({ "a": 1 })), "tags": open(&json!(["x"])), "note": text,
        "birthday": text, "gender": open(&json!("male")), "language": text, "nick_name": text,
        "multipass_identifier": text, "social_customer": open(&json!(["x"])), "email_consent": consent, "mobile_consent": consent,
    });
    let mut created = json!({
        "event": "CustomerCreated", "ids": ids(0), "has_account": false, "state": "not_invited",
        "verified_email": true, "email_subscription": "never", "mobile_subscription": "never",
    });
    let mut updated = json!({ "event": "CustomerUpdated" });
    for event in [&mut created, &mut updated] {
        event
            .as_object_mut()
            .unwrap()
            .extend(personal.as_object().unwrap().clone());
    }
    let address = |change| {
        json!({
            "event": "AddressChanged",
            "change": change,
            "address": {
                "id": "a1", "ids": ids(1), "slot": "shipping", "default": true,
                "first_name": text, "last_name": text, "company": text, "address_1": text,
                "address_2": text, "city": text, "city_code": text, "district": text,
                "district_code": text, "town": text, "province": text, "province_code": text,
                "postal_code": text, "country": text, "country_code": text, "phone": text,
                "metadata": open(&json!({})),
            },
        })
    };
    json!([
        created,
        updated,
        address("added"),
        address("changed"),
        { "event": "GroupsAssigned", "groups": ["g1"] },
        { "event": "CredentialChanged", "credential": "password" },
        address("removed"),
        address("added"),
        { "event": "CustomerDeleted" },
        { "event": "PersonalDataErased" },
    ])
}

/// The JSON pointers of all personal values.
fn personal(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) if members.contains_key("$open") => found.push(pointer.to_owned()),
        Value::Object(members) => {
            for (name, member) in members {
                personal(member, &format!("{pointer}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                personal(item, &format!("{pointer}/{index}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Folds every beginning of the past, and asks each for every command.
fn live_through(events: &Value) {
    let events: Vec<CustomerEvent> = serde_json::from_value(events.clone()).unwrap();
    for end in 1..=events.len() {
        let given = &events[..end];
        let live = fold(given).life == Life::Live;
        for rules in [&MEDUSA, SHOPLINE] {
            for patch in [set("y@z"), set("x"), Patch::Clear] {
                let result = update(given, everything(rules, &patch));
                assert_eq!(result == Err(Refusal::NotFound), !live);
            }
            let renamed = Fields {
                first_name: set("y"),
                ..Fields::default()
            };
            assert_eq!(change(given, rules, renamed).is_ok(), live);
        }
        assert_eq!(when(given, Command::Delete).is_ok(), live);
        assert!(when(given, Command::Erase).is_ok());
    }
}

fn consent(collected_from: Patch<String>) -> ConsentPatch {
    ConsentPatch {
        subscription: Subscription::Subscribed,
        opt_in_level: None,
        updated_at: None,
        collected_from,
        now: Timestamp::UNIX_EPOCH,
    }
}

fn everything(rules: &'static Rules, text: &Patch<String>) -> UpdateCustomer {
    let text = || text.clone();
    let address = AddressPatch {
        shopline_id: Some("s1".into()),
        first_name: text(),
        city: text(),
        town: text(),
        country: text(),
        country_code: text(),
        metadata: Patch::Clear,
        ..AddressPatch::default()
    };
    UpdateCustomer {
        fields: Fields {
            email: text(),
            first_name: text(),
            last_name: text(),
            phone: text(),
            note: text(),
            birthday: text(),
            gender: Patch::Set(Gender::Female),
            tags: Patch::Clear,
            social_customer: Patch::Clear,
            metadata: Some(MetadataPatch::Merge(object(json!({ "a": "" })))),
            verified_email: Some(false),
            multipass_identifier: text(),
            accepts_marketing: Some(true),
            email_consent: Some(consent(text())),
            ..Fields::default()
        },
        addresses: vec![address],
        groups: Some(vec![]),
        ..nothing(rules)
    }
}

#[test]
fn every_personal_value_may_be_erased_or_sealed_alone_or_with_all_others() {
    let life = whole_life();
    live_through(&life);
    let mut pointers = vec![];
    personal(&life, "", &mut pointers);
    assert_eq!(pointers.len(), 2 * 15 + 4 * 17);
    for unreadable in [
        json!({ "$erased": true }),
        json!({ "$sealed": { "k": 1, "n": "n", "c": "c" } }),
    ] {
        let mut all = life.clone();
        for pointer in &pointers {
            let mut one = life.clone();
            *one.pointer_mut(pointer).unwrap() = unreadable.clone();
            live_through(&one);
            *all.pointer_mut(pointer).unwrap() = unreadable.clone();
        }
        live_through(&all);
    }
}

#[test]
fn a_value_can_be_written_where_the_old_one_was_erased() {
    let mut life = whole_life();
    life[1] = json!({ "event": "CustomerUpdated", "first_name": { "$erased": true } });
    let given: Vec<CustomerEvent> = serde_json::from_value(life).unwrap();
    let fields = Fields {
        first_name: set("Bob"),
        ..Fields::default()
    };
    let expected = CustomerUpdated {
        first_name: Patch::Set("Bob".to_owned().into()),
        ..CustomerUpdated::default()
    };
    assert_eq!(change(&given[..2], SHOPLINE, fields), Ok(updated(expected)));
}
