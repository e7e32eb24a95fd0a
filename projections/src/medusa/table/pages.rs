//! Pages of both tables: how many rows a filter means, and which of them are on the page.
//!
//! Everything that a request says is a parameter; the text of a statement is made of the columns that
//! are named here. Statements are planned for their own parameters and not kept: which index is the
//! best depends on what is looked for.

mod keys;

use events::ids::{StoreName, StreamId};
use sqlx::{PgConnection, Postgres, QueryBuilder};

use self::keys::{customer_key, group_key};
use crate::medusa::list::{
    CustomerFilter, CustomerKey, GroupFilter, GroupKey, HasAccount, Order, Page, Window,
};

/// What a filter means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamPage {
    /// How many there are.
    pub count: i64,
    /// Streams of those on the page, in order.
    pub streams: Vec<StreamId>,
}

type Query<'a> = QueryBuilder<'a, Postgres>;

/// Which customers are on a page; without an order, by id.
///
/// Without a filter nothing needs to be counted: `medusa_customer_counts` holds the number. What a
/// filter means is looked for once, for the count and the page alike.
pub async fn customers(
    conn: &mut PgConnection,
    store: &StoreName,
    filter: &CustomerFilter,
    order: Option<Order<CustomerKey>>,
    page: Page,
) -> Result<StreamPage, sqlx::Error> {
    let mut query = Query::new("");
    let counted = CustomerFilter {
        has_account: filter.has_account,
        ..CustomerFilter::default()
    };
    let is_counted = *filter == counted && filter.has_account != HasAccount::Null;
    let key = |query: &mut Query<'_>| {
        if let Some(order) = order {
            customer_key(query, order, filter.groups.as_deref());
            query.push(" as key, ");
        }
    };
    if is_counted {
        query.push("select (select coalesce(sum(live), 0)::bigint from medusa_customer_counts where store = ");
        query.push_bind(store);
        push_has_account(&mut query, filter.has_account);
        query.push("), array(select stream from (select ");
        key(&mut query);
        query.push("held.id, held.stream from medusa_customers held where held.store = ");
        query.push_bind(store);
        query.push(" and not held.deleted");
        push_has_account(&mut query, filter.has_account);
    } else {
        query.push("with hit as materialized (select ");
        key(&mut query);
        query.push("held.id, held.stream from medusa_customers held where held.store = ");
        query.push_bind(store);
        query.push(" and not held.deleted");
        push_customer_filter(&mut query, filter);
        query.push(
            ") select (select count(*) from hit), array(select stream from (select * from hit",
        );
    }
    query.push(") as hit");
    push_page(&mut query, order.map(|order| order.descending), page);
    query.push(")");
    fetch(conn, query).await
}

/// Which groups are on a page.
pub async fn groups(
    conn: &mut PgConnection,
    store: &StoreName,
    filter: &GroupFilter,
    order: Order<GroupKey>,
    page: Page,
) -> Result<StreamPage, sqlx::Error> {
    let mut query = Query::new("with hit as materialized (select ");
    group_key(&mut query, order);
    query.push(" as key, held.id, held.stream from medusa_groups held where held.store = ");
    query.push_bind(store);
    query.push(" and not held.deleted");
    if let Some(q) = &filter.q {
        query.push(" and ");
        push_search(&mut query, "held.name", q);
    }
    if let Some(names) = &filter.names {
        query.push(" and held.name = any (");
        query.push_bind(names.as_slice());
        query.push(")");
    }
    push_window(&mut query, "held.created_at", filter.created_at);
    push_window(&mut query, "held.updated_at", filter.updated_at);
    query.push(") select (select count(*) from hit), array(select stream from hit");
    push_page(&mut query, Some(order.descending), page);
    query.push(")");
    fetch(conn, query).await
}

async fn fetch(conn: &mut PgConnection, mut query: Query<'_>) -> Result<StreamPage, sqlx::Error> {
    let (count, streams) = query
        .build_query_as()
        .persistent(false)
        .fetch_one(conn)
        .await?;
    Ok(StreamPage { count, streams })
}

fn push_customer_filter(query: &mut Query<'_>, filter: &CustomerFilter) {
    if let Some(q) = &filter.q {
        for (before, column) in [
            (" and (", "held.email"),
            (" or ", "held.first_name"),
            (" or ", "held.last_name"),
        ] {
            query.push(before);
            push_search(query, column, q);
        }
        query.push(")");
    }
    push_has_account(query, filter.has_account);
    if let Some(groups) = &filter.groups {
        query.push(" and held.group_ids && ");
        query.push_bind(groups.clone());
    }
    push_window(query, "held.created_at", filter.created_at);
    push_window(query, "held.updated_at", filter.updated_at);
}

fn push_has_account(query: &mut Query<'_>, has_account: HasAccount) {
    query.push(match has_account {
        HasAccount::Any => "",
        HasAccount::Yes => " and has_account",
        HasAccount::No => " and not has_account",
        HasAccount::Null => " and has_account is null",
    });
}

fn push_window(query: &mut Query<'_>, column: &str, window: Window) {
    let Window { lt, gt, gte, lte } = window;
    for (operator, bound) in [("<", lt), (">", gt), (">=", gte), ("<=", lte)] {
        if let Some(seconds) = bound {
            query.push(format_args!(" and {column} {operator} to_timestamp("));
            query.push_bind(seconds);
            query.push(")");
        }
    }
}

/// `descending` is of the column `key`, if there is one.
fn push_page(query: &mut Query<'_>, descending: Option<bool>, page: Page) {
    query.push(" order by ");
    match descending {
        None => query.push(""),
        Some(false) => query.push("key, "),
        Some(true) => query.push("key desc, "),
    };
    // By code point: the same at every server, whatever its locale.
    query.push("id collate \"C\" limit ");
    query.push_bind(page.limit);
    query.push(" offset ");
    query.push_bind(page.offset);
}

/// Characters of a pattern and bytes of a text, multiplied: as many steps as a comparison may take. No
/// request that writes a text is longer than a hundred thousand bytes, so that a short pattern needs no
/// such limit, and an index can find it.
const STEPS_MAX: usize = 10_000_000;
const SHORT: usize = 100;

/// The wildcards in `q` keep their meaning. Source: the recorded cases `list-q-percent-wildcard`,
/// `list-q-underscore-wildcard`.
fn push_search(query: &mut Query<'_>, column: &str, q: &str) {
    let bytes_max = (q.len() > SHORT).then(|| STEPS_MAX / q.len());
    if let Some(bytes_max) = bytes_max {
        query.push(format_args!(
            "case when octet_length({column}) > {bytes_max} then medusa_search_is_too_long() else "
        ));
    }
    query.push(format_args!("{column} ilike "));
    query.push_bind(format!("%{q}%"));
    if bytes_max.is_some() {
        query.push(" end");
    }
}
