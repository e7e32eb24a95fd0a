//! A customer under all its ids, as both shops show it, and what no contract can ask for.

use std::collections::HashMap;

use cqrs_es::EventStore as _;
use customer_ledger::domain::customer::{AddressPatch, Command, Customer, Fields, UpdateCustomer};
use customer_ledger::domain::group::{self, CustomerGroup};
use customer_ledger::event_store::Outcome;
use customer_ledger::event_store::new_ids;
use devkit::http::{Answer, Call};
use events::CustomerEvent;
use events::ids::StreamId;
use hyper::Method;
use serde_json::{Value, json};

use super::ledger::{RULES, request};
use super::shop::{Server, Shop};

/// A customer's ids.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) medusa: String,
    pub(crate) shopline: String,
    pub(crate) stream: StreamId,
}

impl Server {
    /// All ids of the customer that has this one.
    pub(crate) async fn known(&self, id: &str) -> Known {
        let ids = self.ids(id).await.ok();
        let text = |of: &str| ids["ids"][of].as_str().unwrap().to_owned();
        Known {
            medusa: text("medusa"),
            shopline: text("shopline"),
            stream: text("ledger").into(),
        }
    }

    /// A guest of Medusa's.
    pub(crate) async fn guest(&self, email: &str) -> Known {
        let guest = self.create_guest(email).await;
        self.known(guest["id"].as_str().unwrap()).await
    }

    /// A registered customer of Medusa's.
    pub(crate) async fn registered(&self, email: &str) -> Known {
        let body = json!({ "email": email, "first_name": "Rea", "last_name": "Registered",
            "password": "secret" });
        let answer = self.post_medusa(&body).await.ok();
        self.known(answer["customer"]["id"].as_str().unwrap()).await
    }

    /// A customer of SHOPLINE's.
    pub(crate) async fn app_customer(&self, customer: &Value) -> Known {
        let answer = self.post_shopline(customer).await.ok();
        self.known(answer["customer"]["id"].as_str().unwrap()).await
    }

    /// Creates a customer through Medusa.
    pub(crate) async fn post_medusa(&self, body: &Value) -> Answer {
        let call = self.medusa(Method::POST, "/admin/customers");
        call.json(body).send().await
    }

    /// Creates a customer through SHOPLINE.
    pub(crate) async fn post_shopline(&self, customer: &Value) -> Answer {
        let body = json!({ "customer": customer });
        let call = self.shopline(Method::POST, "customers.json");
        call.json(&body).send().await
    }

    /// Creates a group: its id in Medusa.
    pub(crate) async fn group(&self, name: &str) -> String {
        let call = self.medusa(Method::POST, "/admin/customer-groups");
        let group = call.json(&json!({ "name": name })).send().await.ok();
        group["customer_group"]["id"].as_str().unwrap().to_owned()
    }

    /// Lets customers join a group (POST) or leave it (DELETE), all at once.
    pub(crate) fn batch(&self, method: Method, group: &str, customers: &[&str]) -> Call {
        let path = format!("/admin/customer-groups/{group}/customers/batch");
        let customers: Vec<Value> = customers.iter().map(|id| json!({ "id": id })).collect();
        self.medusa(method, &path)
            .json(&json!({ "customer_ids": customers }))
    }

    /// The ids of the groups that a customer is shown in, ascending.
    pub(crate) async fn groups_of(&self, customer: &str) -> Vec<String> {
        let path = format!("/admin/customers/{customer}?expand=groups");
        let answer = self.medusa(Method::GET, &path).send().await.ok();
        let groups = answer["customer"]["groups"].as_array().unwrap();
        let id = |group: &Value| group["id"].as_str().unwrap().to_owned();
        let mut ids: Vec<String> = groups.iter().map(id).collect();
        ids.sort();
        ids
    }

    /// The customer as Medusa shows it, with all that it holds.
    pub(crate) async fn in_medusa(&self, known: &Known) -> Value {
        let path = format!(
            "/admin/customers/{}?expand=billing_address,groups,orders,shipping_addresses",
            known.medusa
        );
        let answer = self.medusa(Method::GET, &path).send().await;
        answer.ok()["customer"].clone()
    }

    /// The customer as SHOPLINE shows it.
    pub(crate) async fn in_shopline(&self, known: &Known) -> Value {
        self.get_shopline(&known.shopline).await.ok()["customer"].clone()
    }
}

impl Shop {
    /// Does what a command asks of a customer, in this process.
    pub(crate) async fn execute(&self, stream: &StreamId, command: Command) {
        let ledger = self.ledger();
        let outcome = ledger
            .execute::<Customer>(stream, command, &request())
            .await;
        assert!(matches!(outcome.unwrap(), Outcome::Done(_)));
    }

    /// Adds addresses, under nobody's rules.
    pub(crate) async fn add_addresses(&self, stream: &StreamId, addresses: Vec<AddressPatch>) {
        let addresses = addresses
            .into_iter()
            .map(|address| AddressPatch {
                new: new_ids::new_address(),
                ..address
            })
            .collect();
        let update = UpdateCustomer {
            rules: &RULES,
            fields: Fields::default(),
            password: false,
            groups: None,
            addresses,
        };
        self.execute(stream, Command::Update(Box::new(update)))
            .await;
    }

    /// Deletes a group.
    pub(crate) async fn delete_group(&self, medusa_id: &str) {
        let stream = &medusa_id.trim_start_matches("cgrp_").into();
        let outcome = self
            .ledger()
            .execute::<CustomerGroup>(stream, group::Command::Delete, &request())
            .await;
        assert!(matches!(outcome.unwrap(), Outcome::Done(_)));
    }

    /// Records events that no command makes yet.
    pub(crate) async fn record(&self, stream: &StreamId, events: Vec<CustomerEvent>) {
        let ledger = self.ledger();
        let context = ledger.load::<Customer>(stream).await.unwrap();
        let flat = request().metadata.to_flat();
        let metadata: HashMap<String, String> = flat
            .into_iter()
            .map(|(name, value)| (name, value.as_str().unwrap().to_owned()))
            .collect();
        let context = (*context).clone();
        ledger.commit(events, context, metadata).await.unwrap();
    }
}
