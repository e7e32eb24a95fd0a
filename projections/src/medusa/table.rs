//! Medusa's tables: `medusa_customers` and `medusa_groups`.

pub mod customers;
pub mod groups;
pub mod pages;

use sqlx::PgConnection;

/// Empties both tables, for a rebuild.
pub async fn clear(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    customers::clear(conn).await?;
    groups::clear(conn).await
}
