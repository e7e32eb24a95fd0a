//! The table `medusa_groups`.

use events::GroupEvent;
use events::ids::{MedusaId, StoreName, StreamId};
use events::record::{Record, StreamKind};
use sqlx::PgConnection;

use crate::medusa::group::Group;
use crate::table::column;
use crate::view::{Column, Row, Value, View};

impl View for Group {
    type Event = GroupEvent;
    const KIND: StreamKind = StreamKind::CustomerGroup;
    const TABLE: &'static str = "medusa_groups";
    const COLUMNS: &'static [Column<Self>] = &[Column {
        name: "name",
        value: Value::Text(|v| (!v.deleted).then(|| column(&v.name))),
    }];

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

    fn apply(&mut self, record: &Record<GroupEvent>) {
        self.apply(record);
    }
}

/// Streams of the groups that there are among these ids of Medusa's.
pub async fn streams(
    conn: &mut PgConnection,
    store: &StoreName,
    ids: &[MedusaId],
) -> Result<Vec<StreamId>, sqlx::Error> {
    sqlx::query_scalar(
        "select stream
         from medusa_groups
         where store = $1 and id = any ($2) and not deleted",
    )
    .bind(store)
    .bind(ids)
    .fetch_all(conn)
    .await
}
