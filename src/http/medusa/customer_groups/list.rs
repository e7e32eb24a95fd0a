//! `GET /admin/customer-groups`.

use projections::medusa::table::pages;
use projections::medusa::table::pages::StreamPage;
use projections::medusa::{Fields, Group, GroupFilter, Order, Related, Relations, render_groups};
use projections::table;

use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::list::parse_groups;
use crate::http::medusa::call::{Answered, Call};
use crate::http::medusa::page::{envelope, not_searched};
use crate::http::medusa::related::relate;

/// Shows a page of groups.
pub(in crate::http) async fn handle(call: &Call<'_>) -> Result<Answered, ApiError> {
    let request = parse_groups(call.query())?;
    let shown = request.shown;
    let relations = Relations::of_group(shown.expand.as_deref());
    let relations = relations.map_err(|_unknown| ApiError::Unknown)?;
    let fields = request.fields.as_deref().map(Fields::parse_in_list);
    let fields = fields.transpose().map_err(|_unknown| ApiError::Unknown)?;
    let order = Order::of_groups(shown.order.as_deref(), &relations, fields.as_ref());
    let order = order.map_err(|_unknown| ApiError::Unknown)?;
    let mut behind = call.behind().await?;
    let filter = GroupFilter {
        q: request.q,
        names: request.names,
        created_at: request.created_at,
        updated_at: request.updated_at,
    };
    let found = if request.discount_condition {
        StreamPage::default()
    } else {
        let mut connection = call.api.lists.acquire().await?;
        let store = &call.api.ledger.store;
        pages::groups(&mut connection, store, &filter, order, shown.page)
            .await
            .map_err(not_searched)?
    };
    let groups = load(call, &found).await?;
    let mut related = Related::default();
    let missing = |related: &Related| related.missing_of_groups(&groups, &relations);
    behind = behind.max(relate(call, &mut related, missing).await?);
    let envelope = envelope(&found, &shown);
    let body = render_groups(&groups, &related, &relations, fields.as_ref(), envelope);
    Ok(Answered {
        behind,
        ..Answered::ok(body)
    })
}

/// The page's rows. What was deleted since it was found is not shown.
async fn load(call: &Call<'_>, found: &StreamPage) -> Result<Vec<Group>, ApiError> {
    let ledger = &call.api.ledger;
    let mut connection = ledger.pool.acquire().await?;
    let mut rows = table::load::<Group>(&mut connection, &ledger.store, &found.streams).await?;
    let in_order = found.streams.iter();
    let in_order = in_order.filter_map(|stream| rows.remove(stream));
    Ok(in_order.filter(|group| !group.deleted).collect())
}
