//! Relations that lead to other groups and customers.

use events::customer::CustomerCreated;
use events::ids::ForeignIds;
use projections::medusa::{Customer, Group, Relations, render_customer, render_group};
use serde_json::{Value, json};

use crate::given::{History, assigned, born, deleted, group, group_deleted, related};

fn customer(stream: &str, groups: &[&str]) -> Customer {
    let created = CustomerCreated {
        ids: ForeignIds {
            medusa: format!("cus_{stream}").into(),
            shopline: stream.into(),
        },
        ..born()
    };
    History::of(stream, events::CustomerEvent::CustomerCreated(created))
        .then(assigned(groups))
        .medusa()
}

struct World {
    groups: Vec<Group>,
    customers: Vec<Customer>,
}

/// Two customers share the group G; the group of the third is gone.
fn world() -> World {
    World {
        groups: vec![
            group("G", "gold", None).group(),
            group("H", "vip", None).group(),
            group("I", "tmp", None).then(group_deleted()).group(),
        ],
        customers: vec![
            customer("A", &["G", "H", "I", "never-was"]),
            customer("B", &["G"]),
            customer("C", &["I"]),
            History::of("D", events::CustomerEvent::CustomerCreated(born()))
                .then(assigned(&["G"]))
                .then(deleted())
                .medusa(),
        ],
    }
}

impl World {
    fn customer(&self, expand: &str) -> Value {
        let customer = &self.customers[0];
        let relations = Relations::of_customer(Some(expand)).unwrap();
        let related = related(&self.groups, &self.customers, |related| {
            related.missing_of_customer(customer, &relations)
        });
        let text = render_customer(customer, &related, &relations);
        serde_json::from_str::<Value>(&text).unwrap()["customer"].clone()
    }

    fn group(&self, expand: &str) -> Value {
        let group = &self.groups[0];
        let relations = Relations::of_group(Some(expand)).unwrap();
        let related = related(&self.groups, &self.customers, |related| {
            related.missing_of_group(group, &relations)
        });
        let text = render_group(group, &related, &relations, None);
        serde_json::from_str::<Value>(&text).unwrap()["customer_group"].clone()
    }
}

fn ids(list: &Value) -> Vec<&str> {
    let items = list.as_array().unwrap().iter();
    items.map(|item| item["id"].as_str().unwrap()).collect()
}

#[test]
fn a_group_that_is_absent_or_deleted_is_not_shown() {
    assert_eq!(
        ids(&world().customer("groups")["groups"]),
        ["cgrp_G", "cgrp_H"]
    );
}

/// Case `get-expand-nested-populated`.
#[test]
fn members_of_groups_are_shown_without_relations_of_their_own() {
    let shown = world().customer("groups.customers");
    let gold = &shown["groups"][0]["customers"];
    assert_eq!(ids(gold), ["cus_A", "cus_B"]);
    assert_eq!(ids(&shown["groups"][1]["customers"]), ["cus_A"]);
    for relation in ["groups", "orders", "shipping_addresses", "billing_address"] {
        assert!(gold[0].get(relation).is_none());
    }
}

#[test]
fn relations_go_as_deep_as_they_are_asked_for() {
    let shown = world().customer("groups.customers.groups.customers,orders");
    let again = &shown["groups"][0]["customers"][1]["groups"][0];
    assert_eq!(again["id"], "cgrp_G");
    assert_eq!(ids(&again["customers"]), ["cus_A", "cus_B"]);
    assert_eq!(shown["orders"], json!([]));
}

#[test]
fn a_group_shows_its_members() {
    let shown = world().group("customers.groups");
    assert_eq!(ids(&shown["customers"]), ["cus_A", "cus_B"]);
    assert_eq!(ids(&shown["customers"][0]["groups"]), ["cgrp_G", "cgrp_H"]);
    assert!(world().group("price_lists").get("customers").is_none());
}

#[test]
fn nothing_is_missing_where_nothing_is_asked_for() {
    let world = world();
    let relations = Relations::of_customer(None).unwrap();
    let related = projections::medusa::Related::default();
    let missing = related.missing_of_customer(&world.customers[0], &relations);
    assert!(missing.is_empty());
    let relations = Relations::of_customer(Some("groups")).unwrap();
    let missing = related.missing_of_customer(&world.customers[0], &relations);
    assert_eq!(missing.groups, ["G", "H", "I", "never-was"]);
    assert!(missing.members.is_empty());
}
