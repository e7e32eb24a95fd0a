//! Medusa's tables: `medusa_customers` and `medusa_groups`.

pub mod customers;
pub mod groups;
pub mod pages;

use sqlx::PgConnection;

use super::customer::Customer;
use super::group::Group;
use super::related::{Missing, Related};
use super::relations::Relations;

/// Empties both tables, for a rebuild.
pub async fn clear(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    customers::clear(conn).await?;
    groups::clear(conn).await
}

/// Reads what the relations of a customer still need. What is held already, fresher than the tables,
/// stays.
pub async fn complete_customer(
    conn: &mut PgConnection,
    store: &str,
    customer: &Customer,
    relations: &Relations,
    related: &mut Related,
) -> Result<(), sqlx::Error> {
    loop {
        let missing = related.missing_of_customer(customer, relations);
        if missing.is_empty() {
            return Ok(());
        }
        fill(conn, store, &missing, related).await?;
    }
}

/// Reads what the relations of a group still need.
pub async fn complete_group(
    conn: &mut PgConnection,
    store: &str,
    group: &Group,
    relations: &Relations,
    related: &mut Related,
) -> Result<(), sqlx::Error> {
    loop {
        let missing = related.missing_of_group(group, relations);
        if missing.is_empty() {
            return Ok(());
        }
        fill(conn, store, &missing, related).await?;
    }
}

/// Leaves nothing of what is missing, so that each turn goes one level down and the last one ends.
async fn fill(
    conn: &mut PgConnection,
    store: &str,
    missing: &Missing,
    related: &mut Related,
) -> Result<(), sqlx::Error> {
    if !missing.groups.is_empty() {
        let found = groups::load(conn, store, &missing.groups).await?;
        related.hold_groups(&missing.groups, found.into_values());
    }
    if !missing.members.is_empty() {
        let found = customers::members(conn, store, &missing.members).await?;
        related.hold_members(&missing.members, found);
    }
    Ok(())
}
