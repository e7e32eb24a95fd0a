//! Pages of `shopline_customers`: which rows a filter means, from a place on.
//!
//! Everything that a request says is a parameter. Statements are planned for their own parameters and
//! not kept: which index is the best depends on what is looked for.

use events::ids::StoreName;
use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::shopline::list::{Filter, Order, Page, SortKey, Start, Window, folded};
use crate::table::{column, decode};

type Query<'a> = QueryBuilder<'a, Postgres>;

/// How many customers there are.
pub async fn count(conn: &mut PgConnection, store: &StoreName) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("select count(*) from shopline_customers where store = $1 and not deleted")
        .bind(store)
        .fetch_one(conn)
        .await
}

/// A page of at most `limit` customers.
///
/// It goes from a place and not from a number: whatever comes or goes meanwhile, nobody is shown twice
/// and nobody is left out.
pub async fn page(
    conn: &mut PgConnection,
    store: &StoreName,
    filter: &Filter,
    order: Order,
    start: &Start,
    limit: u32,
) -> Result<Page, sqlx::Error> {
    let forwards = matches!(start, Start::First | Start::After(_));
    let place = match start {
        Start::First | Start::Last => None,
        Start::After(place) | Start::Before(place) => Some(place),
    };
    let mut query = Query::new("select array(select view::text from (select held.view, ");
    query.push("held.created_at, held.id from shopline_customers held where ");
    push_filter(&mut query, store, filter);
    if let Some(place) = place {
        push_place(&mut query, order, if forwards { "<" } else { ">" }, place);
    }
    // One more than are shown tells whether there are more.
    push_order(&mut query, order, forwards);
    query.push(" limit ");
    query.push_bind(i64::from(limit) + 1);
    query.push(") as held");
    push_order(&mut query, order, forwards);
    query.push("), exists(select from shopline_customers held where ");
    match place {
        Some(place) => {
            push_filter(&mut query, store, filter);
            push_place(&mut query, order, if forwards { ">=" } else { "<=" }, place);
        }
        None => {
            query.push("false");
        }
    }
    query.push(")");
    let (views, beyond): (Vec<String>, bool) = query
        .build_query_as()
        .persistent(false)
        .fetch_one(conn)
        .await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = views.len() > limit;
    let shown = views.iter().take(limit).map(|view| decode(view));
    let mut customers: Vec<_> = shown.collect::<Result<_, _>>()?;
    if !forwards {
        customers.reverse();
    }
    let (has_previous, has_next) = if forwards {
        (beyond, more)
    } else {
        (more, beyond)
    };
    Ok(Page {
        customers,
        has_previous,
        has_next,
    })
}

fn push_filter(query: &mut Query<'_>, store: &StoreName, filter: &Filter) {
    let Filter {
        ids,
        since_id,
        created_at,
        updated_at,
        text,
        terms,
        accepts_marketing,
        email_subscribe_flag,
        state,
        verified_email,
        nobody,
    } = filter;
    query.push("held.store = ");
    query.push_bind(store.to_owned());
    query.push(" and not held.deleted");
    if *nobody {
        query.push(" and false");
    }
    if let Some(ids) = ids {
        query.push(" and held.id = any (");
        query.push_bind(ids.clone());
        query.push(")");
    }
    if let Some(id) = since_id {
        push_id(query, "<", id);
    }
    push_window(query, "held.created_at", *created_at);
    push_window(query, "held.updated_at", *updated_at);
    if let Some(text) = text {
        query.push(" and held.search like ");
        query.push_bind(pattern(text));
    }
    if !terms.is_empty() {
        query.push(" and held.terms @> ");
        query.push_bind(terms.clone());
    }
    if let Some(accepts) = accepts_marketing {
        query.push(" and (held.email_subscribe_flag = 1) = ");
        query.push_bind(*accepts);
    }
    for (column, number) in [
        ("held.email_subscribe_flag", email_subscribe_flag),
        ("held.state", state),
    ] {
        if let Some(number) = number {
            query.push(format_args!(" and {column} = "));
            query.push_bind(*number);
        }
    }
    if let Some(verified) = verified_email {
        query.push(" and held.verified_email = ");
        query.push_bind(*verified);
    }
}

/// What is looked for has no wildcards.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for char in folded(text).chars() {
        if matches!(char, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern.push('%');
    pattern
}

/// What is shown is cut to whole seconds, so that the last second is within to its end.
fn push_window(query: &mut Query<'_>, column: &str, window: Window) {
    let Window { min, max } = window;
    let until = max.map(|max| max.saturating_add(1));
    for (operator, bound) in [(">=", min), ("<", until)] {
        if let Some(seconds) = bound {
            query.push(format_args!(" and {column} {operator} to_timestamp("));
            query.push_bind(seconds);
            query.push(")");
        }
    }
}

fn push_place(query: &mut Query<'_>, order: Order, operator: &str, place: &SortKey) {
    match order {
        Order::Id => push_id(query, operator, &place.id),
        Order::Creation => {
            query.push(format_args!(
                " and (held.created_at, octet_length(held.id), held.id collate \"C\") {operator} \
                 (timestamptz 'epoch' + "
            ));
            query.push_bind(place.created_at);
            query.push(" * interval '1 microsecond', ");
            push_id_key(query, &place.id);
        }
    }
}

fn push_id(query: &mut Query<'_>, operator: &str, id: &str) {
    query.push(format_args!(
        " and (octet_length(held.id), held.id collate \"C\") {operator} ("
    ));
    push_id_key(query, id);
}

fn push_id_key(query: &mut Query<'_>, id: &str) {
    let id = column(id);
    query.push_bind(i32::try_from(id.len()).unwrap_or(i32::MAX));
    query.push(", ");
    query.push_bind(id);
    query.push(")");
}

fn push_order(query: &mut Query<'_>, order: Order, forwards: bool) {
    let direction = if forwards { "desc" } else { "asc" };
    query.push(" order by ");
    if order == Order::Creation {
        query.push(format_args!("held.created_at {direction}, "));
    }
    query.push(format_args!(
        "octet_length(held.id) {direction}, held.id collate \"C\" {direction}"
    ));
}
