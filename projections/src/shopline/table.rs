//! The table `shopline_customers`.

pub mod pages;

use events::CustomerEvent;
use events::record::{Record, StreamKind};

use super::customer::Customer;
use super::list::{email_subscribe_flag, search_text, state, terms};
use crate::table::column;
use crate::view::{Column, Row, Value, View};

impl View for Customer {
    type Event = CustomerEvent;
    const KIND: StreamKind = StreamKind::Customer;
    const TABLE: &'static str = "shopline_customers";
    const COLUMNS: &'static [Column<Self>] = &[
        Column {
            name: "email",
            value: Value::Text(|v| v.profile.email.as_deref().map(column)),
        },
        Column {
            name: "first_name",
            value: Value::Text(|v| v.profile.first_name.as_deref().map(column)),
        },
        Column {
            name: "last_name",
            value: Value::Text(|v| v.profile.last_name.as_deref().map(column)),
        },
        Column {
            name: "phone",
            value: Value::Text(|v| v.profile.phone.as_deref().map(column)),
        },
        Column {
            name: "search",
            value: Value::Text(search_text),
        },
        Column {
            name: "terms",
            value: Value::Texts(terms),
        },
        Column {
            name: "email_subscribe_flag",
            value: Value::Number(email_subscribe_flag),
        },
        Column {
            name: "state",
            value: Value::Number(state),
        },
        Column {
            name: "verified_email",
            value: Value::Boolean(|v| v.profile.verified_email),
        },
    ];

    fn row(&self) -> Row<'_> {
        Row {
            stream: &self.stream,
            id: &self.id,
            sequence: self.sequence,
            position: self.position,
            deleted: self.deleted,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    fn apply(&mut self, record: &Record<CustomerEvent>) {
        self.apply(record);
    }
}
