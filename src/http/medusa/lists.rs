//! Lists of customers, of customer groups, and of a group's customers.

use projections::medusa::table::pages::StreamPage;
use projections::medusa::table::{groups, pages};
use projections::medusa::{
    self as view, Customer, CustomerFilter, Envelope, Fields, Group, GroupFilter, Order, Related,
    Relations,
};
use projections::table;
use sqlx::PgPool;

use super::{Answered, Call, unread};
use crate::contracts::medusa::list::{
    CustomersRequest, Shown, parse_customers, parse_groups, parse_members,
};
use crate::contracts::medusa::refusal::Refused;
use crate::kafka::projector::Projection;

impl Call<'_> {
    /// `GET /admin/customers`.
    pub(super) async fn customers(&self) -> Result<Answered, Refused> {
        self.list_customers(parse_customers(self.query())?).await
    }

    /// `GET /admin/customer-groups/{id}/customers`. A group that there is not has no members.
    pub(super) async fn members(&self, group: &str) -> Result<Answered, Refused> {
        self.list_customers(parse_members(self.query(), group)?)
            .await
    }

    async fn list_customers(&self, request: CustomersRequest) -> Result<Answered, Refused> {
        let shown = request.shown;
        let relations = Relations::of_customers(shown.expand.as_deref());
        let mut relations = relations.map_err(|_unknown| Refused::Unknown)?;
        if request.groups.is_some() {
            relations = relations.with_groups();
        }
        let order = shown.order.as_deref();
        let order = order.map(|order| Order::of_customers(order, &relations));
        let order = order.transpose().map_err(|_unknown| Refused::Unknown)?;
        let mut behind = self.behind().await?;
        let store = &self.api.ledger.store;
        let mut connection = self.connection(&self.api.lists).await?;
        let groups = match &request.groups {
            Some(ids) => Some(
                groups::streams(&mut connection, store, ids)
                    .await
                    .map_err(|error| unfound(&error))?,
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
        let found = pages::customers(&mut connection, store, &filter, order, shown.page).await;
        let found = found.map_err(|error| unfound(&error))?;
        drop(connection);
        let mut customers = self.load_customers(&found).await?;
        if let Some(groups) = &filter.groups {
            // Only the groups that were asked for are shown. Source: case
            // `list-groups-filtered-relation`.
            for customer in &mut customers {
                customer.groups.retain(|group| groups.contains(group));
            }
        }
        let mut related = Related::default();
        let missing = self.relate(&mut related, |related| {
            related.missing_of_customers(&customers, &relations)
        });
        behind = behind.max(missing.await?);
        let envelope = envelope(&found, &shown);
        let body = view::render_customers(&customers, &related, &relations, envelope);
        Ok(Answered {
            behind,
            ..Answered::ok(body)
        })
    }

    /// `GET /admin/customer-groups`.
    pub(super) async fn groups(&self) -> Result<Answered, Refused> {
        let request = parse_groups(self.query())?;
        let shown = request.shown;
        let relations = Relations::of_group(shown.expand.as_deref());
        let relations = relations.map_err(|_unknown| Refused::Unknown)?;
        let fields = request.fields.as_deref().map(Fields::parse_in_list);
        let fields = fields.transpose().map_err(|_unknown| Refused::Unknown)?;
        let order = Order::of_groups(shown.order.as_deref(), &relations, fields.as_ref());
        let order = order.map_err(|_unknown| Refused::Unknown)?;
        let mut behind = self.behind().await?;
        let filter = GroupFilter {
            q: request.q,
            names: request.names,
            created_at: request.created_at,
            updated_at: request.updated_at,
        };
        let found = if request.discount_condition {
            StreamPage::default()
        } else {
            let mut connection = self.connection(&self.api.lists).await?;
            let store = &self.api.ledger.store;
            let found = pages::groups(&mut connection, store, &filter, order, shown.page).await;
            found.map_err(|error| unfound(&error))?
        };
        let groups = self.load_groups(&found).await?;
        let mut related = Related::default();
        let missing = self.relate(&mut related, |related| {
            related.missing_of_groups(&groups, &relations)
        });
        behind = behind.max(missing.await?);
        let envelope = envelope(&found, &shown);
        let body = view::render_groups(&groups, &related, &relations, fields.as_ref(), envelope);
        Ok(Answered {
            behind,
            ..Answered::ok(body)
        })
    }

    /// Waits for the projection; says by how many positions it is behind, if it still is.
    pub(super) async fn behind(&self) -> Result<Option<i64>, Refused> {
        let behind = self.api.behind(Projection::Medusa).await;
        behind.map_err(|error| unread(&error))
    }

    /// The page's rows. What was deleted since it was found is not shown.
    async fn load_customers(&self, found: &StreamPage) -> Result<Vec<Customer>, Refused> {
        let mut connection = self.connection(&self.api.ledger.pool).await?;
        let store = &self.api.ledger.store;
        let rows = table::load::<Customer>(&mut connection, store, &found.streams).await;
        let mut rows = rows.map_err(|error| unread(&error))?;
        let in_order = found
            .streams
            .iter()
            .filter_map(|stream| rows.remove(stream));
        Ok(in_order.filter(|customer| !customer.deleted).collect())
    }

    async fn load_groups(&self, found: &StreamPage) -> Result<Vec<Group>, Refused> {
        let mut connection = self.connection(&self.api.ledger.pool).await?;
        let store = &self.api.ledger.store;
        let rows = table::load::<Group>(&mut connection, store, &found.streams).await;
        let mut rows = rows.map_err(|error| unread(&error))?;
        let in_order = found
            .streams
            .iter()
            .filter_map(|stream| rows.remove(stream));
        Ok(in_order.filter(|group| !group.deleted).collect())
    }

    async fn connection(
        &self,
        pool: &PgPool,
    ) -> Result<sqlx::pool::PoolConnection<sqlx::Postgres>, Refused> {
        pool.acquire().await.map_err(|error| unread(&error))
    }
}

const fn envelope(found: &StreamPage, shown: &Shown) -> Envelope {
    Envelope {
        count: found.count,
        offset: shown.offset,
        limit: shown.limit,
    }
}

/// A value that PostgreSQL does not take is Medusa's unknown error. All else, a search that takes too
/// long among it, passes, so that the official client may repeat.
fn unfound(error: &sqlx::Error) -> Refused {
    const DATA_EXCEPTION: &str = "22";
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    match code {
        Some(code) if code.starts_with(DATA_EXCEPTION) => {
            tracing::warn!(error = %code, "the database did not take a value of a list's query");
            Refused::Unknown
        }
        Some(_) | None => unread(error),
    }
}
