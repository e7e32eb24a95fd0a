//! The table `medusa_customers`.

use events::CustomerEvent;
use events::ids::{StoreName, StreamId};
use events::record::{Record, StreamKind};
use sqlx::PgConnection;

use crate::medusa::customer::Customer;
use crate::table::{column, decode};
use crate::view::{Column, Row, Value, View};

impl View for Customer {
    type Event = CustomerEvent;
    const KIND: StreamKind = StreamKind::Customer;
    const TABLE: &'static str = "medusa_customers";
    const BESIDE: &'static [&'static str] = &["medusa_customer_counts"];
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
            name: "has_account",
            value: Value::Boolean(|v| v.profile.has_account),
        },
        Column {
            name: "group_ids",
            value: Value::Texts(|v| v.groups.iter().map(ToString::to_string).collect()),
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

/// The members of these groups, in the order of their births, each once.
pub async fn members(
    conn: &mut PgConnection,
    store: &StoreName,
    groups: &[StreamId],
) -> Result<Vec<Customer>, sqlx::Error> {
    let views: Vec<String> = sqlx::query_scalar(
        "select view::text
         from medusa_customers
         where store = $1 and group_ids && $2 and not deleted
         order by stream",
    )
    .bind(store)
    .bind(groups)
    .fetch_all(conn)
    .await?;
    views.iter().map(|view| decode(view)).collect()
}
