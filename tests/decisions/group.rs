//! One customer group.

use cqrs_es::Aggregate as _;
use cqrs_es::test::TestFramework;
use customer_ledger::domain::customer::{self, Life, METADATA_BYTES_MAX, Unit};
use customer_ledger::domain::group::{Command, CustomerGroup, Refusal};
use events::GroupEvent;
use events::group::{GroupCreated, GroupDeleted, GroupUpdated};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn when(given: Vec<GroupEvent>, command: Command) -> Result<Vec<GroupEvent>, Refusal> {
    TestFramework::<CustomerGroup>::with(())
        .given(given)
        .when(command)
        .inspect_result()
}

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn vip() -> Vec<GroupEvent> {
    vec![GroupEvent::GroupCreated(GroupCreated {
        medusa_id: "cgrp_1".into(),
        name: "VIP".into(),
        metadata: Some(object(json!({ "a": 1, "b": 2 }))),
    })]
}

fn deleted() -> Vec<GroupEvent> {
    [vip(), vec![GroupEvent::GroupDeleted(GroupDeleted {})]].concat()
}

fn rename(name: &str) -> Command {
    Command::Update {
        name: Some(name.into()),
        metadata: None,
    }
}

fn set_metadata(metadata: Value) -> Command {
    Command::Update {
        name: None,
        metadata: Some(object(metadata)),
    }
}

fn then_metadata(given: Vec<GroupEvent>, metadata: Value) -> Vec<GroupEvent> {
    let merged = when(given.clone(), set_metadata(metadata)).unwrap();
    [given, merged].concat()
}

#[test]
fn a_group_is_created_as_asked_for() {
    let command = Command::Create {
        medusa_id: "cgrp_1".into(),
        name: "VIP".into(),
        metadata: Some(object(json!({ "a": 1, "b": 2 }))),
    };
    assert_eq!(when(vec![], command), Ok(vip()));
}

#[test]
fn a_new_name_is_recorded_and_the_same_name_is_not() {
    let renamed = GroupUpdated {
        name: Some("Gold".into()),
        metadata: None,
    };
    let expected = vec![GroupEvent::GroupUpdated(renamed)];
    assert_eq!(when(vip(), rename("Gold")), Ok(expected));
    assert_eq!(when(vip(), rename("VIP")), Ok(vec![]));
    let nothing = Command::Update {
        name: None,
        metadata: None,
    };
    assert_eq!(when(vip(), nothing), Ok(vec![]));
}

#[test]
fn metadata_is_merged_and_an_empty_text_deletes_a_member() {
    let merged = GroupUpdated {
        name: None,
        metadata: Some(object(json!({ "a": 1, "c": null }))),
    };
    let expected = vec![GroupEvent::GroupUpdated(merged)];
    let command = set_metadata(json!({ "b": "", "c": null }));
    assert_eq!(when(vip(), command), Ok(expected));
    let same = set_metadata(json!({ "a": 1, "d": "" }));
    assert_eq!(when(vip(), same), Ok(vec![]));
}

#[test]
fn what_metadata_is_merged_into_is_bounded() {
    let half = "x".repeat(METADATA_BYTES_MAX / 2);
    let given = then_metadata(vip(), json!({ "a": half, "b": "" }));
    // `{"a":"…","b":"…"}`
    let rest = METADATA_BYTES_MAX - half.len() - 15;
    let fits = set_metadata(json!({ "b": "x".repeat(rest) }));
    assert_eq!(when(given.clone(), fits).unwrap().len(), 1);
    let command = set_metadata(json!({ "b": "x".repeat(rest + 1) }));
    let too_long = customer::Refusal::TooLong {
        field: "metadata",
        unit: Unit::Bytes,
        count: METADATA_BYTES_MAX + 1,
        limit: METADATA_BYTES_MAX,
    };
    assert_eq!(when(given, command), Err(Refusal::Metadata(too_long)));
}

#[test]
fn a_group_that_is_not_there_is_not_changed_and_need_not_be_deleted() {
    for given in [vec![], deleted()] {
        for command in [
            rename("Gold"),
            set_metadata(json!({})),
            Command::ChangeMembers,
        ] {
            assert_eq!(when(given.clone(), command), Err(Refusal::NotFound));
        }
        assert_eq!(when(given, Command::Delete), Ok(vec![]));
    }
}

#[test]
fn members_that_come_and_go_are_nothing_to_a_group() {
    assert_eq!(when(vip(), Command::ChangeMembers), Ok(vec![]));
}

#[test]
fn a_deleted_group_is_gone_and_keeps_its_name_for_the_past() {
    let expected = vec![GroupEvent::GroupDeleted(GroupDeleted {})];
    assert_eq!(when(vip(), Command::Delete), Ok(expected));
    let mut group = CustomerGroup::default();
    for event in deleted() {
        group.apply(event);
    }
    assert_eq!((group.life, group.name.as_str()), (Life::Deleted, "VIP"));
}

fn any_update() -> impl Strategy<Value = Command> {
    let value = prop_oneof![
        Just(json!("")),
        Just(json!(null)),
        any::<i8>().prop_map(Value::from),
        "[a-c]{1,2}".prop_map(Value::from),
    ];
    let members = prop::collection::vec(("[a-d]", value), 0..4)
        .prop_map(|members| members.into_iter().collect::<Map<_, _>>());
    (
        prop::option::of("[A-C]".prop_map(String::from)),
        prop::option::of(members),
    )
        .prop_map(|(name, metadata)| Command::Update { name, metadata })
}

proptest! {
    #[test]
    fn a_repeated_update_records_nothing(updates in prop::collection::vec(any_update(), 1..6)) {
        let mut given = vip();
        for update in updates {
            given.extend(when(given.clone(), update.clone()).unwrap());
            prop_assert_eq!(when(given.clone(), update), Ok(vec![]));
        }
    }
}
