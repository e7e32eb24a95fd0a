//! `GET v2/customers.json` and `GET customers/v2/search.json`: what is asked.
//!
//! Source: SHOPLINE, list customers v20220601; search customers v20220901; paging.

pub mod link;
mod page_info;

use events::ids::ShoplineId;
use jiff::tz::TimeZone;
use projections::shopline::{Fields, Filter, Order, Start, Window, first_name_term, tag_term};
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::query::Query;
use super::time::Moment;

/// A page that is asked for; also what a `page_info` holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Of which list.
    pub of: List,
    /// Which customers are meant.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// Where the page begins.
    pub start: Start,
    /// How many customers are on it at most.
    pub limit: u32,
    /// The members to show; all, if not given.
    pub fields: Option<Fields>,
}

/// A list of customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum List {
    /// `v2/customers.json`.
    List,
    /// `customers/v2/search.json`.
    Search,
}

/// Makes the seal of a `page_info`, which only the ledger can make.
pub(crate) type Seal<'a> = &'a dyn Fn(&str) -> [u8; 32];

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 250;
/// Longest `query_param`, in characters. Source: SHOPLINE, search customers, later versions.
const TEXT_MAX: usize = 50;
/// Longest `query`, in characters: it must fit into a link.
const QUERY_MAX: usize = 1000;
/// Longest id that a customer can have.
const ID_MAX: usize = 64;

/// `GET v2/customers.json`. Times without an offset are in the store's zone.
pub(crate) fn parse_list(
    query: &Query,
    zone: &TimeZone,
    seal: Seal<'_>,
) -> Result<Request, ApiError> {
    page(query, List::List, seal, || {
        let moment = |name: &'static str| {
            let parse = |text| Moment::parse(text, zone).ok_or(not(name, "a time in ISO 8601"));
            query.get(name).map(parse).transpose()
        };
        let window = |min, max| {
            Ok::<_, ApiError>(Window {
                min: moment(min)?.map(|moment| moment.first),
                max: moment(max)?.map(|moment| moment.last),
            })
        };
        let given = query.ids("ids")?;
        let is_id = |id: &ShoplineId| id.chars().count() <= ID_MAX && !id.contains('\0');
        let ids = (!given.is_empty()).then(|| given.into_iter().filter(is_id).collect());
        Ok(Filter {
            ids,
            since_id: since_id(query)?,
            created_at: window("created_at_min", "created_at_max")?,
            updated_at: window("updated_at_min", "updated_at_max")?,
            ..Filter::default()
        })
    })
}

/// `GET customers/v2/search.json`.
pub(crate) fn parse_search(
    query: &Query,
    zone: &TimeZone,
    seal: Seal<'_>,
) -> Result<Request, ApiError> {
    // All of them are by creation; what else would decide is the same for everyone without orders.
    if !matches!(query.get("order"), None | Some("0" | "1" | "2" | "3")) {
        return Err(not("order", "0, 1, 2 or 3"));
    }
    page(query, List::Search, seal, || {
        let mut filter = conditions(query.get("query").unwrap_or_default(), zone)?;
        filter.text = query.get("query_param").map(fuzzy).transpose()?;
        Ok(filter)
    })
}

/// Of a `page_info`, only `limit` and `fields` are read beside it: it says all the rest.
fn page(
    query: &Query,
    of: List,
    seal: Seal<'_>,
    filter: impl FnOnce() -> Result<Filter, ApiError>,
) -> Result<Request, ApiError> {
    let mut request = match query.get("page_info") {
        Some(info) => page_info::decode(info, seal)
            .filter(|request| request.of == of)
            .ok_or(not("page_info", "one of a link of this list"))?,
        None => Request {
            of,
            filter: filter()?,
            order: match of {
                List::List => Order::Id,
                List::Search => Order::Creation,
            },
            start: Start::First,
            limit: LIMIT_DEFAULT,
            fields: None,
        },
    };
    if let Some(limit) = query.get("limit") {
        let limit = limit.parse().ok();
        request.limit = limit
            .filter(|limit| (1..=LIMIT_MAX).contains(limit))
            .ok_or(not("limit", "a number from 1 to 250"))?;
    }
    request.fields = query.get("fields").map_or(request.fields, Fields::parse);
    Ok(request)
}

const fn not(parameter: &'static str, expected: &'static str) -> ApiError {
    ApiError::Parameter {
        parameter,
        expected,
    }
}

/// `0` is before all others, as in SHOPLINE's own `page_info`.
fn since_id(query: &Query) -> Result<Option<ShoplineId>, ApiError> {
    match query.get("since_id") {
        None | Some("0") => Ok(None),
        Some(id) if id.contains('\0') || id.chars().count() > ID_MAX => {
            Err(not("since_id", "the id of a customer"))
        }
        Some(id) => Ok(Some(id.into())),
    }
}

fn fuzzy(text: &str) -> Result<String, ApiError> {
    if text.chars().count() > TEXT_MAX {
        return Err(not("query_param", "at most 50 characters long"));
    }
    Ok(text.to_owned())
}

/// Reads `field:value;field:value`. All of it must hold.
fn conditions(text: &str, zone: &TimeZone) -> Result<Filter, ApiError> {
    let malformed = || not("query", "a list of field:value with documented fields");
    if text.chars().count() > QUERY_MAX {
        return Err(not("query", "at most 1000 characters long"));
    }
    let mut filter = Filter::default();
    for condition in text.split(';').map(str::trim).filter(|it| !it.is_empty()) {
        let (field, value) = condition.split_once(':').ok_or_else(malformed)?;
        narrow(&mut filter, field.trim(), value.trim(), zone).ok_or_else(malformed)?;
    }
    Ok(filter)
}

/// Adds a condition; `None` when there is no such one.
fn narrow(filter: &mut Filter, field: &str, value: &str, zone: &TimeZone) -> Option<()> {
    let Filter { nobody, .. } = filter;
    match field {
        "accepts_marketing" => only(&mut filter.accepts_marketing, value.parse().ok()?, nobody),
        "verified_email" => only(&mut filter.verified_email, value.parse().ok()?, nobody),
        "email_subscribe_flag" => only(
            &mut filter.email_subscribe_flag,
            one_of(value, 0..=2)?,
            nobody,
        ),
        "state" => only(&mut filter.state, one_of(value, 0..=3)?, nobody),
        "customer_id" | "customer_first_name" if value.is_empty() => return None,
        "customer_id" if value.contains('\0') => *nobody = true,
        "customer_id" => only(&mut filter.ids, vec![value.into()], nobody),
        "customer_first_name" => filter.terms.push(first_name_term(value)),
        "tags" => {
            let before = filter.terms.len();
            let tags = value
                .split(',')
                .map(str::trim)
                .filter(|tag| !tag.is_empty());
            filter.terms.extend(tags.map(tag_term));
            return (filter.terms.len() > before).then_some(());
        }
        "customer_date" => filter.created_at = filter.created_at.and(window(value, zone)?),
        "updated_at" => filter.updated_at = filter.updated_at.and(window(value, zone)?),
        // The ledger has no orders yet.
        "order_date" => {
            window(value, zone)?;
            *nobody = true;
        }
        "orders_count" | "total_spent" => {
            let (operator, number) = operator(value);
            let number: f64 = number.parse().ok().filter(|it: &f64| it.is_finite())?;
            *nobody |= !match operator {
                Operator::Equal => number == 0.0,
                Operator::Less => number > 0.0,
                Operator::AtMost => number >= 0.0,
                Operator::Greater => number < 0.0,
                Operator::AtLeast => number <= 0.0,
            };
        }
        _ => return None,
    }
    Some(())
}

/// No customer has two different values at once.
fn only<T: PartialEq>(held: &mut Option<T>, value: T, nobody: &mut bool) {
    match held {
        Some(held) => *nobody |= *held != value,
        None => *held = Some(value),
    }
}

fn one_of(value: &str, range: std::ops::RangeInclusive<i16>) -> Option<i16> {
    value.parse().ok().filter(|value| range.contains(value))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// Source: SHOPLINE, customer grouping, whose queries are written `orders_count:>1`.
fn operator(value: &str) -> (Operator, &str) {
    for (sign, operator) in [
        (">=", Operator::AtLeast),
        ("<=", Operator::AtMost),
        (">", Operator::Greater),
        ("<", Operator::Less),
        ("=", Operator::Equal),
    ] {
        if let Some(value) = value.strip_prefix(sign) {
            return (operator, value.trim());
        }
    }
    (Operator::Equal, value)
}

fn window(value: &str, zone: &TimeZone) -> Option<Window> {
    let (operator, time) = operator(value);
    let Moment { first, last } = Moment::parse(time, zone)?;
    let (min, max) = match operator {
        Operator::Equal => (Some(first), Some(last)),
        Operator::Less => (None, Some(first - 1)),
        Operator::AtMost => (None, Some(last)),
        Operator::Greater => (Some(last + 1), None),
        Operator::AtLeast => (Some(first), None),
    };
    Some(Window { min, max })
}

#[cfg(test)]
mod tests;
