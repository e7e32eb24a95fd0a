//! One customer.

use cqrs_es::Aggregate as _;
use cqrs_es::test::TestFramework;
use customer_ledger::contracts::shopline::versions::VERSION_20230901;
use customer_ledger::domain::customer::{
    AddressPatch, Command, ConsentPatch, CreateCustomer, Customer, Fields, Life,
    METADATA_BYTES_MAX, MetadataPatch, NewAddress, Refusal, Rules, Unit, UpdateCustomer,
};
use events::CustomerEvent;
use events::address::Slot;
use events::customer::{
    Credential, CredentialChanged, CustomerDeleted, CustomerState, CustomerUpdated, Gender,
    GroupsAssigned, OptInLevel, PersonalDataErased, Subscription,
};
use events::ids::ForeignIds;
use events::patch::Patch;
use events::personal::Personal;
use events::record::Contract;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

mod addresses;
mod erased;
mod removed;
mod repeated;

/// Rules like Medusa's: an e-mail always, fixed once registered, no limits.
static MEDUSA: Rules = Rules {
    contract: Contract::Medusa,
    email_required_and_fixed: true,
    contact_required_and_unique: false,
    limits: None,
};

static SHOPLINE: &Rules = VERSION_20230901.rules;

fn when(given: &[CustomerEvent], command: Command) -> Result<Vec<CustomerEvent>, Refusal> {
    TestFramework::<Customer>::with(())
        .given(given.to_vec())
        .when(command)
        .inspect_result()
}

fn fold(events: &[CustomerEvent]) -> Customer {
    let mut customer = Customer::default();
    for event in events {
        customer.apply(event.clone());
    }
    customer
}

fn ids(number: usize) -> ForeignIds {
    ForeignIds {
        medusa: format!("m{number}").into(),
        shopline: format!("s{number}").into(),
    }
}

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn set(text: &str) -> Patch<String> {
    Patch::Set(text.to_owned())
}

fn creation(rules: &'static Rules) -> CreateCustomer {
    CreateCustomer {
        rules,
        ids: ids(0),
        fields: Fields {
            email: set("bob@example.com"),
            ..Fields::default()
        },
        has_account: false,
        password: false,
        language: None,
        addresses: vec![],
    }
}

fn create(command: CreateCustomer) -> Result<Vec<CustomerEvent>, Refusal> {
    when(&[], Command::Create(Box::new(command)))
}

/// A guest with an e-mail.
fn bob() -> Vec<CustomerEvent> {
    create(creation(&MEDUSA)).unwrap()
}

/// A registered customer whose e-mail was confirmed.
fn registered() -> Vec<CustomerEvent> {
    let confirmed = CustomerUpdated {
        verified_email: Some(true),
        ..CustomerUpdated::default()
    };
    let mut events = create(CreateCustomer {
        has_account: true,
        ..creation(&MEDUSA)
    })
    .unwrap();
    events.push(CustomerEvent::CustomerUpdated(confirmed));
    events
}

fn nothing(rules: &'static Rules) -> UpdateCustomer {
    UpdateCustomer {
        rules,
        fields: Fields::default(),
        password: false,
        groups: None,
        addresses: vec![],
    }
}

fn update(given: &[CustomerEvent], update: UpdateCustomer) -> Result<Vec<CustomerEvent>, Refusal> {
    when(given, Command::Update(Box::new(update)))
}

fn change(
    given: &[CustomerEvent],
    rules: &'static Rules,
    fields: Fields,
) -> Result<Vec<CustomerEvent>, Refusal> {
    update(
        given,
        UpdateCustomer {
            fields,
            ..nothing(rules)
        },
    )
}

fn then(
    given: &[CustomerEvent],
    events: Result<Vec<CustomerEvent>, Refusal>,
) -> Vec<CustomerEvent> {
    [given, &events.unwrap()].concat()
}

fn updated(updated: CustomerUpdated) -> Vec<CustomerEvent> {
    vec![CustomerEvent::CustomerUpdated(updated)]
}

#[test]
fn a_creation_records_all_that_was_given() {
    let command = CreateCustomer {
        fields: Fields {
            email: set("bob@example.com"),
            first_name: set("Bob"),
            last_name: set("Norman"),
            phone: set("1"),
            note: set("n"),
            birthday: set("19970102"),
            gender: Patch::Set(Gender::Male),
            tags: Patch::Set(vec!["loyal".into()]),
            metadata: Some(MetadataPatch::Replace(object(json!({ "a": "" })))),
            accepts_marketing: Some(true),
            ..Fields::default()
        },
        has_account: true,
        password: true,
        language: Some("en".into()),
        ..creation(&MEDUSA)
    };
    let events = create(command).unwrap();
    assert_eq!(
        serde_json::to_value(&events).unwrap(),
        json!([
            {
                "event": "CustomerCreated",
                "ids": { "medusa": "m0", "shopline": "s0" },
                "email": { "$open": "bob@example.com" },
                "first_name": { "$open": "Bob" },
                "last_name": { "$open": "Norman" },
                "phone": { "$open": "1" },
                "has_account": true,
                "state": "registered",
                "verified_email": false,
                "metadata": { "$open": { "a": "" } },
                "tags": { "$open": ["loyal"] },
                "note": { "$open": "n" },
                "birthday": { "$open": "19970102" },
                "gender": { "$open": "male" },
                "language": { "$open": "en" },
                "email_subscription": "subscribed",
                "mobile_subscription": "never",
            },
            { "event": "CredentialChanged", "credential": "password" },
        ])
    );
    let customer = fold(&events);
    assert_eq!(customer.life, Life::Live);
    assert_eq!(customer.profile.state, CustomerState::Registered);
    assert_eq!(customer.profile.tags, Some(vec!["loyal".to_owned()]));
}

#[test]
fn a_creation_needs_what_its_contract_needs() {
    let nobody = |rules| CreateCustomer {
        fields: Fields::default(),
        ..creation(rules)
    };
    assert_eq!(create(nobody(SHOPLINE)), Err(Refusal::ContactRequired));
    let cleared = CreateCustomer {
        fields: Fields {
            email: Patch::Clear,
            ..Fields::default()
        },
        ..creation(&MEDUSA)
    };
    assert_eq!(create(cleared), Err(Refusal::EmailRequired));
}

#[test]
fn each_text_is_set_changed_and_cleared_alone() {
    type Text = (
        fn(&mut Fields) -> &mut Patch<String>,
        fn(&mut CustomerUpdated) -> &mut Patch<Personal<String>>,
    );
    let texts: [Text; 5] = [
        (
            |fields| &mut fields.first_name,
            |event| &mut event.first_name,
        ),
        (|fields| &mut fields.last_name, |event| &mut event.last_name),
        (|fields| &mut fields.phone, |event| &mut event.phone),
        (|fields| &mut fields.note, |event| &mut event.note),
        (|fields| &mut fields.birthday, |event| &mut event.birthday),
    ];
    for (field, recorded) in texts {
        for rules in [&MEDUSA, SHOPLINE] {
            let mut given = bob();
            for patch in [set("a"), set("b"), Patch::Clear] {
                let mut fields = Fields::default();
                field(&mut fields).clone_from(&patch);
                let mut expected = CustomerUpdated::default();
                *recorded(&mut expected) = patch.map(Personal::from);
                let events = change(&given, rules, fields.clone());
                assert_eq!(events, Ok(updated(expected)));
                given = then(&given, events);
                assert_eq!(change(&given, rules, fields), Ok(vec![]));
            }
        }
    }
}

#[test]
fn gender_and_tags_are_set_and_cleared() {
    let fields = Fields {
        gender: Patch::Set(Gender::Secret),
        tags: Patch::Set(vec!["b".into(), "a".into()]),
        ..Fields::default()
    };
    let expected = CustomerUpdated {
        gender: Patch::Set(Gender::Secret.into()),
        tags: Patch::Set(vec!["b".to_owned(), "a".to_owned()].into()),
        ..CustomerUpdated::default()
    };
    let events = change(&bob(), SHOPLINE, fields.clone());
    assert_eq!(events, Ok(updated(expected)));
    let given = then(&bob(), events);
    assert_eq!(change(&given, SHOPLINE, fields), Ok(vec![]));
    let clear = Fields {
        gender: Patch::Clear,
        tags: Patch::Clear,
        ..Fields::default()
    };
    let expected = CustomerUpdated {
        gender: Patch::Clear,
        tags: Patch::Clear,
        ..CustomerUpdated::default()
    };
    assert_eq!(change(&given, SHOPLINE, clear), Ok(updated(expected)));
}

#[test]
fn an_update_that_says_nothing_records_nothing() {
    assert_eq!(update(&bob(), nothing(&MEDUSA)), Ok(vec![]));
    assert_eq!(update(&bob(), nothing(SHOPLINE)), Ok(vec![]));
}

#[test]
fn a_new_email_is_not_a_confirmed_one() {
    let fields = Fields {
        email: set("new@example.com"),
        ..Fields::default()
    };
    let expected = |verified_email| {
        Ok(updated(CustomerUpdated {
            email: Patch::Set("new@example.com".to_owned().into()),
            verified_email,
            ..CustomerUpdated::default()
        }))
    };
    // Nothing to take back where it was not confirmed.
    assert_eq!(change(&bob(), &MEDUSA, fields.clone()), expected(None));
    let events = change(&registered(), SHOPLINE, fields);
    assert_eq!(events, expected(Some(false)));
    assert!(!fold(&then(&registered(), events)).profile.verified_email);
    let same = Fields {
        email: set("bob@example.com"),
        ..Fields::default()
    };
    assert_eq!(change(&registered(), SHOPLINE, same), Ok(vec![]));
}

#[test]
fn a_registered_customers_email_is_fixed_where_the_rules_say_so() {
    for email in ["new@example.com", "bob@example.com"] {
        let fields = Fields {
            email: set(email),
            ..Fields::default()
        };
        let events = change(&registered(), &MEDUSA, fields);
        assert_eq!(events, Err(Refusal::EmailFixed));
    }
}

#[test]
fn metadata_is_merged_or_replaced() {
    let metadata = |patch| Fields {
        metadata: Some(patch),
        ..Fields::default()
    };
    let merge = |value| metadata(MetadataPatch::Merge(object(value)));
    let expected = |value| {
        Ok(updated(CustomerUpdated {
            metadata: Patch::Set(object(value).into()),
            ..CustomerUpdated::default()
        }))
    };
    let first = change(&bob(), &MEDUSA, merge(json!({ "a": 1, "b": { "c": 2 } })));
    assert_eq!(first, expected(json!({ "a": 1, "b": { "c": 2 } })));
    let given = then(&bob(), first);
    // An empty text deletes; null is a value like any other; only the top level is merged.
    let second = change(
        &given,
        &MEDUSA,
        merge(json!({ "a": "", "b": {}, "d": null })),
    );
    assert_eq!(second, expected(json!({ "b": {}, "d": null })));
    let given = then(&given, second);
    for same in [json!({}), json!({ "b": {} }), json!({ "x": "" })] {
        assert_eq!(change(&given, &MEDUSA, merge(same)), Ok(vec![]));
    }
    let replace = metadata(MetadataPatch::Replace(object(json!({ "e": "" }))));
    let third = change(&given, &MEDUSA, replace.clone());
    assert_eq!(third, expected(json!({ "e": "" })));
    assert_eq!(change(&then(&given, third), &MEDUSA, replace), Ok(vec![]));
}

#[test]
fn what_metadata_is_merged_into_is_bounded() {
    let merge = |given: &[CustomerEvent], value| {
        let fields = Fields {
            metadata: Some(MetadataPatch::Merge(object(value))),
            ..Fields::default()
        };
        change(given, &MEDUSA, fields)
    };
    let half = "x".repeat(METADATA_BYTES_MAX / 2);
    let given = then(&bob(), merge(&bob(), json!({ "a": half })));
    // `{"a":"…","b":"…"}`
    let rest = METADATA_BYTES_MAX - half.len() - 15;
    let fits = merge(&given, json!({ "b": "x".repeat(rest) }));
    assert_eq!(fits.unwrap().len(), 1);
    let too_long = Refusal::TooLong {
        field: "metadata",
        unit: Unit::Bytes,
        count: METADATA_BYTES_MAX + 1,
        limit: METADATA_BYTES_MAX,
    };
    let refused = merge(&given, json!({ "b": "x".repeat(rest + 1) }));
    assert_eq!(refused, Err(too_long));
}

#[test]
fn a_subscription_starts_and_ends() {
    let accepts = |accepts_marketing| Fields {
        accepts_marketing: Some(accepts_marketing),
        ..Fields::default()
    };
    let expected = |subscription| {
        Ok(updated(CustomerUpdated {
            email_subscription: Some(subscription),
            ..CustomerUpdated::default()
        }))
    };
    assert_eq!(change(&bob(), SHOPLINE, accepts(false)), Ok(vec![]));
    let started = change(&bob(), SHOPLINE, accepts(true));
    assert_eq!(started, expected(Subscription::Subscribed));
    let given = then(&bob(), started);
    let ended = change(&given, SHOPLINE, accepts(false));
    assert_eq!(ended, expected(Subscription::Unsubscribed));
    let given = then(&given, ended);
    assert_eq!(change(&given, SHOPLINE, accepts(false)), Ok(vec![]));
    let again = change(&given, SHOPLINE, accepts(true));
    assert_eq!(again, expected(Subscription::Subscribed));
}

fn assign(given: &[CustomerEvent], groups: &[&str]) -> Result<Vec<CustomerEvent>, Refusal> {
    let groups = groups.iter().copied().map(Into::into).collect();
    update(
        given,
        UpdateCustomer {
            groups: Some(groups),
            ..nothing(&MEDUSA)
        },
    )
}

fn assigned(groups: &[&str]) -> Vec<CustomerEvent> {
    let groups = groups.iter().copied().map(Into::into).collect();
    vec![CustomerEvent::GroupsAssigned(GroupsAssigned { groups })]
}

#[test]
fn groups_are_the_whole_set_ascending() {
    assert_eq!(assign(&bob(), &[]), Ok(vec![]));
    let events = assign(&bob(), &["g2", "g1"]);
    assert_eq!(events, Ok(assigned(&["g1", "g2"])));
    let given = then(&bob(), events);
    assert_eq!(assign(&given, &["g1", "g2"]), Ok(vec![]));
    assert_eq!(assign(&given, &["g2", "g1"]), Ok(vec![]));
    assert_eq!(assign(&given, &["g3", "g1"]), Ok(assigned(&["g1", "g3"])));
    assert_eq!(assign(&given, &[]), Ok(assigned(&[])));
}

fn join(given: &[CustomerEvent], group: &str) -> Result<Vec<CustomerEvent>, Refusal> {
    let group = group.into();
    when(given, Command::JoinGroup { group })
}

fn leave(given: &[CustomerEvent], group: &str) -> Result<Vec<CustomerEvent>, Refusal> {
    let group = group.into();
    when(given, Command::LeaveGroup { group })
}

#[test]
fn who_joins_or_leaves_a_group_stays_in_the_others() {
    let events = join(&bob(), "g2");
    assert_eq!(events, Ok(assigned(&["g2"])));
    let given = then(&bob(), events);
    assert_eq!(join(&given, "g1"), Ok(assigned(&["g1", "g2"])));
    let given = then(&given, join(&given, "g1"));
    assert_eq!(leave(&given, "g2"), Ok(assigned(&["g1"])));
}

#[test]
fn who_is_in_a_group_joins_it_for_nothing_and_who_is_not_leaves_it_for_nothing() {
    let given = then(&bob(), join(&bob(), "g1"));
    assert_eq!(join(&given, "g1"), Ok(vec![]));
    assert_eq!(leave(&given, "g2"), Ok(vec![]));
}

#[test]
fn nobody_joins_a_group_after_death_or_before_birth_and_leaving_it_is_no_mistake() {
    let deleted = then(&bob(), when(&bob(), Command::Delete));
    let erased = then(&bob(), when(&bob(), Command::Erase));
    for given in [vec![], deleted, erased] {
        assert_eq!(join(&given, "g1"), Err(Refusal::NotFound));
        assert_eq!(leave(&given, "g1"), Ok(vec![]));
    }
}

#[test]
fn only_a_group_that_is_new_must_not_be_named_twice() {
    let given = then(&bob(), assign(&bob(), &["g1"]));
    assert_eq!(assign(&given, &["g1", "g1"]), Ok(vec![]));
    assert_eq!(
        assign(&given, &["g2", "g1", "g2"]),
        Err(Refusal::GroupTwice { group: "g2".into() })
    );
}

#[test]
fn every_password_is_recorded_and_never_said() {
    let password = UpdateCustomer {
        password: true,
        ..nothing(&MEDUSA)
    };
    let expected = vec![CustomerEvent::CredentialChanged(CredentialChanged {
        credential: Credential::Password,
    })];
    let events = update(&bob(), password.clone());
    assert_eq!(events, Ok(expected.clone()));
    assert_eq!(update(&then(&bob(), events), password), Ok(expected));
}

#[test]
fn a_life_goes_from_live_to_deleted_to_erased() {
    let deleted = when(&bob(), Command::Delete);
    let expected = CustomerEvent::CustomerDeleted(CustomerDeleted {});
    assert_eq!(deleted, Ok(vec![expected]));
    let deleted = then(&bob(), deleted);
    assert_eq!(fold(&deleted).life, Life::Deleted);
    let erased = when(&deleted, Command::Erase);
    let expected = CustomerEvent::PersonalDataErased(PersonalDataErased {});
    assert_eq!(erased, Ok(vec![expected]));
    let erased = then(&deleted, erased);
    for gone in [vec![], deleted, erased.clone()] {
        assert_eq!(when(&gone, Command::Delete), Err(Refusal::NotFound));
        assert_eq!(update(&gone, nothing(&MEDUSA)), Err(Refusal::NotFound));
    }
    // Erasing is asked for until it is done.
    assert_eq!(when(&erased, Command::Erase), Ok(vec![]));
    assert_eq!(when(&[], Command::Erase), Err(Refusal::NotFound));
}

#[test]
fn an_erasure_leaves_nothing_but_the_ids() {
    let given = then(&registered(), when(&registered(), Command::Erase));
    let expected = Customer {
        life: Life::Erased,
        ids: ids(0),
        ..Customer::default()
    };
    assert_eq!(fold(&given), expected);
}
