//! Saying the same thing twice records nothing, whatever is said and whatever was there.

use events::ids::StreamId;
use proptest::prelude::*;

use super::*;

fn text() -> impl Strategy<Value = Patch<String>> {
    prop_oneof![
        3 => Just(Patch::Keep),
        1 => Just(Patch::Clear),
        3 => prop::sample::select(vec!["", "a", "b", "a@b", "us", "US", "Land"]).prop_map(set),
    ]
}

fn fields() -> impl Strategy<Value = Fields> {
    let gender = prop_oneof![
        Just(Patch::Keep),
        Just(Patch::Clear),
        Just(Patch::Set(Gender::Male)),
        Just(Patch::Set(Gender::Secret)),
    ];
    let tags = prop_oneof![
        Just(Patch::Keep),
        Just(Patch::Clear),
        prop::collection::vec("[a-c]", 1..3).prop_map(Patch::Set),
    ];
    let value = prop_oneof![
        Just(json!("")),
        Just(json!(null)),
        Just(json!({ "x": [1] }))
    ];
    let members = prop::collection::vec(("[a-c]", value), 0..3)
        .prop_map(|members| members.into_iter().collect::<Map<_, _>>());
    let metadata = prop::option::of((any::<bool>(), members).prop_map(|(merge, members)| {
        if merge {
            MetadataPatch::Merge(members)
        } else {
            MetadataPatch::Replace(members)
        }
    }));
    let texts = (text(), text(), text(), text(), text(), text(), text());
    let flags = (any::<Option<bool>>(), any::<Option<bool>>());
    (texts, gender, tags, metadata, flags, consent(), consent()).prop_map(
        |(
            (email, first_name, last_name, phone, note, birthday, multipass_identifier),
            gender,
            tags,
            metadata,
            (accepts_marketing, verified_email),
            email_consent,
            mobile_consent,
        )| {
            Fields {
                email,
                first_name,
                last_name,
                phone,
                note,
                birthday,
                gender,
                social_customer: tags.clone(),
                tags,
                metadata,
                verified_email,
                multipass_identifier,
                accepts_marketing,
                email_consent,
                mobile_consent,
            }
        },
    )
}

/// What a request says of a consent; a later copy of it says it later.
fn consent() -> impl Strategy<Value = Option<ConsentPatch>> {
    let subscription = prop::sample::select(vec![
        Subscription::Unsubscribed,
        Subscription::Subscribed,
        Subscription::Never,
        Subscription::Pending,
    ]);
    let level = prop::sample::select(vec![None, Some(OptInLevel::Confirmed)]);
    let time = prop::sample::select(vec![None, Some(Timestamp::UNIX_EPOCH)]);
    let patch = (subscription, level, time, text(), 0..9_i64).prop_map(
        |(subscription, opt_in_level, updated_at, collected_from, now)| ConsentPatch {
            subscription,
            opt_in_level,
            updated_at,
            collected_from,
            now: Timestamp::from_second(now).unwrap(),
        },
    );
    prop::option::of(patch)
}

/// A change of one of three addresses that are there: a new one would be new each time.
fn address() -> impl Strategy<Value = AddressPatch> {
    let texts = (text(), text(), text(), text());
    let metadata = prop_oneof![
        Just(Patch::Keep),
        Just(Patch::Clear),
        Just(Patch::Set(json!(1)))
    ];
    (1..=3, any::<Option<bool>>(), texts, metadata).prop_map(
        |(number, default, (first_name, city, country, country_code), metadata)| AddressPatch {
            shopline_id: Some(format!("s{number}").into()),
            default,
            first_name,
            city,
            country,
            country_code,
            metadata,
            ..AddressPatch::default()
        },
    )
}

fn any_update() -> impl Strategy<Value = UpdateCustomer> {
    let rules = prop::sample::select(vec![&MEDUSA, SHOPLINE]);
    let groups = prop::option::of(prop::collection::vec(
        "g[1-3]".prop_map(StreamId::from),
        0..4,
    ));
    let addresses = prop::collection::vec(address(), 0..4);
    (rules, fields(), any::<bool>(), groups, addresses).prop_map(
        |(rules, fields, password, groups, addresses)| UpdateCustomer {
            rules,
            fields,
            password,
            groups,
            addresses,
        },
    )
}

fn with_three_addresses(customer: &[CustomerEvent]) -> Vec<CustomerEvent> {
    let addresses = (1..=3)
        .map(|number| AddressPatch {
            new: NewAddress {
                id: format!("a{number}"),
                ids: ids(number),
            },
            ..AddressPatch::default()
        })
        .collect();
    let command = UpdateCustomer {
        addresses,
        ..nothing(&MEDUSA)
    };
    then(customer, update(customer, command))
}

proptest! {
    #[test]
    fn a_repeated_update_records_nothing_but_its_password(
        is_registered: bool,
        updates in prop::collection::vec(any_update(), 1..8),
    ) {
        let customer = if is_registered { registered() } else { bob() };
        let mut given = with_three_addresses(&customer);
        for command in updates {
            let Ok(events) = update(&given, command.clone()) else {
                continue;
            };
            given.extend(events);
            let again = update(&given, command.clone()).unwrap();
            let expected = usize::from(command.password);
            prop_assert_eq!(again.len(), expected, "{:?}", serde_json::to_string(&again));
        }
    }
}
