//! `GET /admin/customers`, `GET /admin/customer-groups`,
//! `GET /admin/customer-groups/{id}/customers`: what is asked.
//!
//! Which relations, columns and orders exist is for `projections::medusa` to say; the pages that it
//! finds are rendered there, too.

use events::ids::MedusaId;
use express::query;
use projections::medusa::{HasAccount, Page, Window};
use serde_json::{Map, Value};

use super::customer::Expand;
use super::error::ApiError;
use super::option::{count, date, finite, items};
use super::validation::{Property, Rule, Schema, validate};

/// A page of customers.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomersRequest {
    /// What to look for in e-mails and names: a pattern of `LIKE`, whose wildcards count.
    pub q: Option<String>,
    /// Whether they are registered.
    pub has_account: HasAccount,
    /// Groups by Medusa's ids: members of any of them.
    pub groups: Option<Vec<MedusaId>>,
    /// When they came into being.
    pub created_at: Window,
    /// When they last changed.
    pub updated_at: Window,
    /// What every list takes.
    pub shown: Shown,
}

/// A page of customer groups.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupsRequest {
    /// What to look for in names.
    pub q: Option<String>,
    /// Any of these names.
    pub names: Option<Vec<String>>,
    /// When they came into being.
    pub created_at: Window,
    /// When they last changed.
    pub updated_at: Window,
    /// Groups of a discount's condition. There are none in the ledger.
    pub discount_condition: bool,
    /// The columns to show, as asked for; `None` shows all.
    pub fields: Option<String>,
    /// What every list takes.
    pub shown: Shown,
}

/// Which of what is found to show, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The relations to show.
    pub expand: Expand,
    /// The order, as asked for.
    pub order: Option<String>,
    /// What PostgreSQL makes of `limit` and `offset`.
    pub page: Page,
    /// `limit` as it is echoed.
    pub limit: f64,
    /// `offset` as it is echoed.
    pub offset: f64,
}

const LIMIT_OF_CUSTOMERS: f64 = 50.0;
const LIMIT_OF_GROUPS: f64 = 10.0;

/// In the order of the messages. Source: case `list-many-errors`.
const CUSTOMERS: [Property; 10] = [
    Property::optional("limit", Rule::Number),
    Property::optional("offset", Rule::Number),
    Property::optional("expand", Rule::Text),
    Property::optional("fields", Rule::Text),
    Property::optional("q", Rule::Text),
    Property::optional("has_account", Rule::Any),
    Property::optional("groups", Rule::Texts),
    Property::optional("order", Rule::Text),
    Property::optional("created_at", Rule::Nested(&WINDOW)),
    Property::optional("updated_at", Rule::Nested(&WINDOW)),
];

/// Source: Medusa's `AdminGetCustomerGroupsParams`.
const GROUPS: [Property; 11] = [
    Property::optional("order", Rule::Text),
    Property::optional("offset", Rule::Number),
    Property::optional("limit", Rule::Number),
    Property::optional("expand", Rule::Text),
    Property::optional("fields", Rule::Text),
    Property::optional("id", Rule::Opaque),
    Property::optional("q", Rule::Text),
    Property::optional("name", Rule::TextList),
    Property::optional("updated_at", Rule::Nested(&WINDOW)),
    Property::optional("created_at", Rule::Nested(&WINDOW)),
    Property::optional("discount_condition_id", Rule::Text),
];

/// Source: case `list-created-two-bad`.
const WINDOW: [Property; 4] = [
    Property::optional("lt", Rule::Date),
    Property::optional("gt", Rule::Date),
    Property::optional("gte", Rule::Date),
    Property::optional("lte", Rule::Date),
];

/// PostgreSQL knows no earlier time: 24 November 4714 BC, in seconds since 1970.
const TIME_MIN: f64 = -210_866_803_200.0;

/// `GET /admin/customers`.
pub fn parse_customers(query: &str) -> Result<CustomersRequest, ApiError> {
    let members = checked(query, &CUSTOMERS)?;
    let groups = match members.get("groups") {
        // It passes as a text and is not one later on. Source: case `list-groups-string`.
        Some(Value::String(_)) => return Err(ApiError::Unknown),
        Some(groups) => Some(any_of(groups)?),
        None => None,
    };
    customers(&members, groups)
}

/// `GET /admin/customer-groups/{id}/customers`: groups that are asked for do not count.
/// Source: case `cg-customers-groups-param-overridden`.
pub fn parse_members(query: &str, group: &str) -> Result<CustomersRequest, ApiError> {
    let members = checked(query, &CUSTOMERS)?;
    let group = any_of(&Value::Array(vec![group.into()]))?;
    customers(&members, Some(group))
}

/// `GET /admin/customer-groups`.
pub fn parse_groups(query: &str) -> Result<GroupsRequest, ApiError> {
    let members = checked(query, &GROUPS)?;
    Ok(GroupsRequest {
        q: filled(&members, "q")?,
        names: members.get("name").map(any_of).transpose()?,
        created_at: window(&members, "created_at")?,
        updated_at: window(&members, "updated_at")?,
        discount_condition: filled(&members, "discount_condition_id")?.is_some(),
        fields: text(&members, "fields"),
        shown: shown(&members, LIMIT_OF_GROUPS)?,
    })
}

fn checked(query: &str, schema: &Schema) -> Result<Map<String, Value>, ApiError> {
    validate(query::parse(query), schema)
}

fn customers(
    members: &Map<String, Value>,
    groups: Option<Vec<MedusaId>>,
) -> Result<CustomersRequest, ApiError> {
    Ok(CustomersRequest {
        q: filled(members, "q")?,
        has_account: has_account(members),
        groups,
        created_at: window(members, "created_at")?,
        updated_at: window(members, "updated_at")?,
        shown: shown(members, LIMIT_OF_CUSTOMERS)?,
    })
}

fn shown(members: &Map<String, Value>, limit: f64) -> Result<Shown, ApiError> {
    let number = |name, default| members.get(name).and_then(finite).unwrap_or(default);
    let (limit, offset) = (number("limit", limit), number("offset", 0.0));
    // PostgreSQL refuses what is no count. Source: cases `list-limit-negative`,
    // `list-offset-negative`.
    let count = |number| count(number).ok_or(ApiError::Unknown);
    // No limit is asked for. Source: case `list-limit-empty`.
    let has_limit = limit != 0.0;
    Ok(Shown {
        expand: text(members, "expand"),
        order: text(members, "order").filter(|order| !order.is_empty()),
        page: Page {
            limit: has_limit.then(|| count(limit)).transpose()?,
            offset: count(offset)?,
        },
        limit,
        offset,
    })
}

/// Source: cases `list-has-account-null`, `list-has-account-upper`.
fn has_account(members: &Map<String, Value>) -> HasAccount {
    match members.get("has_account").and_then(Value::as_str) {
        Some("true") => HasAccount::Yes,
        Some("false") => HasAccount::No,
        Some("null") => HasAccount::Null,
        Some(_) | None => HasAccount::Any,
    }
}

fn text(members: &Map<String, Value>, name: &str) -> Option<String> {
    members.get(name)?.as_str().map(ToOwned::to_owned)
}

/// A text that PostgreSQL is to look for; an empty one is none.
fn filled(members: &Map<String, Value>, name: &str) -> Result<Option<String>, ApiError> {
    let text = text(members, name).filter(|text| !text.is_empty());
    text.map(storable).transpose()
}

/// PostgreSQL has no U+0000, and refuses a query with one.
fn storable(text: String) -> Result<String, ApiError> {
    if text.contains('\0') {
        Err(ApiError::Unknown)
    } else {
        Ok(text)
    }
}

/// Texts of which any will do; a list of one is split on commas. Source: cases
/// `list-groups-comma`, `cg-list-name-comma`.
fn any_of<Text: From<String>>(list: &Value) -> Result<Vec<Text>, ApiError> {
    let texts: Vec<&str> = items(list)
        .unwrap_or_default()
        .into_iter()
        .filter_map(Value::as_str)
        .collect();
    let texts = match texts.as_slice() {
        [one] => one.split(',').collect(),
        _ => texts,
    };
    let texts = texts.into_iter();
    texts
        .map(|text| storable(text.to_owned()).map(Text::from))
        .collect()
}

fn window(members: &Map<String, Value>, name: &str) -> Result<Window, ApiError> {
    let bounds = match members.get(name) {
        None => return Ok(Window::default()),
        Some(Value::Object(bounds)) => bounds,
        // A list of windows passes and means nothing to PostgreSQL.
        Some(_) => return Err(ApiError::Unknown),
    };
    let bound = |name| match bounds.get(name).and_then(date) {
        Some(milliseconds) if milliseconds / 1000.0 < TIME_MIN => Err(ApiError::Unknown),
        bound => Ok(bound.map(|milliseconds| milliseconds / 1000.0)),
    };
    Ok(Window {
        lt: bound("lt")?,
        gt: bound("gt")?,
        gte: bound("gte")?,
        lte: bound("lte")?,
    })
}

#[cfg(test)]
mod tests;
