//! `GET /admin/customers`; also what the list of a group's members shares with it.

use projections::medusa::table::pages::StreamPage;
use projections::medusa::table::{groups, pages};
use projections::medusa::{Customer, CustomerFilter, Order, Related, Relations, render_customers};
use projections::table;

use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::list::{CustomersRequest, parse_customers};
use crate::http::medusa::call::{Answered, Call};
use crate::http::medusa::page::{envelope, not_searched};
use crate::http::medusa::related::relate;

/// Shows a page of customers.
pub(in crate::http) async fn handle(call: &Call<'_>) -> Result<Answered, ApiError> {
    list(call, parse_customers(call.query())?).await
}

/// Finds customers and shows a page of them.
pub(in crate::http) async fn list(
    call: &Call<'_>,
    request: CustomersRequest,
) -> Result<Answered, ApiError> {
    let shown = request.shown;
    let relations = Relations::of_customers(shown.expand.as_deref());
    let mut relations = relations.map_err(|_unknown| ApiError::Unknown)?;
    if request.groups.is_some() {
        relations = relations.with_groups();
    }
    let order = shown.order.as_deref();
    let order = order.map(|order| Order::of_customers(order, &relations));
    let order = order.transpose().map_err(|_unknown| ApiError::Unknown)?;
    let mut behind = call.behind().await?;
    let store = &call.api.ledger.store;
    let mut connection = call.api.lists.acquire().await?;
    let groups = match &request.groups {
        Some(ids) => Some(
            groups::streams(&mut connection, store, ids)
                .await
                .map_err(not_searched)?,
        ),
        None => None,
    };
    let filter = CustomerFilter {
        q: request.q,
        has_account: request.has_account,
        groups,
        created_at: request.created_at,
        updated_at: request.updated_at,
    };
    let found = pages::customers(&mut connection, store, &filter, order, shown.page)
        .await
        .map_err(not_searched)?;
    drop(connection);
    let mut customers = load(call, &found).await?;
    if let Some(groups) = &filter.groups {
        // Only the groups that were asked for are shown. Source: case
        // `list-groups-filtered-relation`.
        for customer in &mut customers {
            customer.groups.retain(|group| groups.contains(group));
        }
    }
    let mut related = Related::default();
    let missing = |related: &Related| related.missing_of_customers(&customers, &relations);
    behind = behind.max(relate(call, &mut related, missing).await?);
    let envelope = envelope(&found, &shown);
    let body = render_customers(&customers, &related, &relations, envelope);
    Ok(Answered {
        behind,
        ..Answered::ok(body)
    })
}

/// The page's rows. What was deleted since it was found is not shown.
async fn load(call: &Call<'_>, found: &StreamPage) -> Result<Vec<Customer>, ApiError> {
    let ledger = &call.api.ledger;
    let mut connection = ledger.pool.acquire().await?;
    let mut rows = table::load::<Customer>(&mut connection, &ledger.store, &found.streams).await?;
    let in_order = found.streams.iter();
    let in_order = in_order.filter_map(|stream| rows.remove(stream));
    Ok(in_order.filter(|customer| !customer.deleted).collect())
}
