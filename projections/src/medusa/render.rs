//! Medusa's JSON of customers and groups: each struct is a body, its fields in the answer's order.
//! Source: `contracts/medusa.md` §8 and the recorded cases.
#![expect(
    clippy::option_option,
    reason = "in a body, absent, null and a value are three things"
)]

use events::address::Slot;
use express::stringify::to_text;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::customer::{Address, Customer};
use super::group::{Fields, Group};
use super::json::{AsGiven, Stored};
use super::related::Related;
use super::relations::Relations;
use crate::countries::{Country, country};

/// `{"customer":{…}}` as `GET` and `POST /admin/customers/{id}` answer it.
pub fn render_customer(customer: &Customer, related: &Related, relations: &Relations) -> String {
    to_text(&InCustomer {
        customer: CustomerBody::new(customer, related, relations),
    })
}

/// `{"customer":{…}}` as `POST /admin/customers` answers it, without the password's hash, which the
/// real one leaks.
pub fn render_created(customer: &Customer, given: Given) -> String {
    to_text(&InCustomer {
        customer: CreatedBody::new(customer, given),
    })
}

/// `{"customer_group":{…}}` as `GET` and `POST /admin/customer-groups/{id}` answer it; only `GET`
/// heeds `fields`.
pub fn render_group(
    group: &Group,
    related: &Related,
    relations: &Relations,
    fields: Option<&Fields>,
) -> String {
    to_text(&InGroup {
        customer_group: GroupBody::new(group, related, relations, fields),
    })
}

/// `{"customer_group":null}`: what Medusa answers to nobody joining a group that does not exist.
pub fn render_no_group() -> String {
    to_text(&InGroup { customer_group: () })
}

/// What `DELETE /admin/customer-groups/{id}` answers, whether or not there was one.
pub fn render_group_deleted(id: &str) -> String {
    to_text(&Gone {
        id,
        object: "customer_group",
        deleted: true,
    })
}

/// `{"customer_group":{…}}` as `POST /admin/customer-groups` answers it.
pub fn render_group_created(group: &Group, metadata_given: bool) -> String {
    let metadata = group.metadata.as_ref().map(AsGiven);
    to_text(&InGroup {
        customer_group: GroupCreatedBody {
            name: &group.name,
            given_metadata: metadata_given.then_some(metadata),
            id: &group.id,
            deleted_at: (),
            metadata: (!metadata_given).then_some(()),
            created_at: Milliseconds(group.created_at),
            updated_at: Milliseconds(group.updated_at),
        },
    })
}

/// `{"customers":[…],"count":…,"offset":…,"limit":…}` as `GET /admin/customers` and
/// `GET /admin/customer-groups/{id}/customers` answer it.
pub fn render_customers(
    customers: &[Customer],
    related: &Related,
    relations: &Relations,
    envelope: Envelope,
) -> String {
    let body = |customer| CustomerBody::new(customer, related, relations);
    to_text(&CustomersBody {
        customers: customers.iter().map(body).collect(),
        count: envelope.count,
        offset: envelope.offset,
        limit: envelope.limit,
    })
}

/// `{"count":…,"customer_groups":[…],"offset":…,"limit":…}` as `GET /admin/customer-groups` answers
/// it.
pub fn render_groups(
    groups: &[Group],
    related: &Related,
    relations: &Relations,
    fields: Option<&Fields>,
    envelope: Envelope,
) -> String {
    let body = |group| GroupBody::new(group, related, relations, fields);
    to_text(&GroupsBody {
        count: envelope.count,
        customer_groups: groups.iter().map(body).collect(),
        offset: envelope.offset,
        limit: envelope.limit,
    })
}

/// What a list says besides its items.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Envelope {
    /// How many there are on all pages.
    pub count: i64,
    /// The offset as it was asked for.
    pub offset: f64,
    /// The limit as it was asked for.
    pub limit: f64,
}

/// Which optional members a creating request had, null or not: the order of its answer depends on
/// them, because the real one answers with the object that it saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// `phone`.
    pub phone: bool,
    /// `metadata`.
    pub metadata: bool,
}

#[derive(Serialize)]
struct InCustomer<T> {
    customer: T,
}

#[derive(Serialize)]
struct InGroup<T> {
    customer_group: T,
}

#[derive(Serialize)]
struct Gone<'a> {
    id: &'a str,
    object: &'static str,
    deleted: bool,
}

#[derive(Serialize)]
struct CustomersBody<'a> {
    customers: Vec<CustomerBody<'a>>,
    count: i64,
    offset: f64,
    limit: f64,
}

#[derive(Serialize)]
struct GroupsBody<'a> {
    count: i64,
    customer_groups: Vec<GroupBody<'a>>,
    offset: f64,
    limit: f64,
}

/// Relations that are not asked for are absent; `Some(None)` is null.
#[derive(Serialize)]
struct CustomerBody<'a> {
    id: &'a str,
    created_at: Milliseconds,
    updated_at: Milliseconds,
    deleted_at: (),
    email: &'a str,
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
    billing_address_id: Option<&'a str>,
    phone: Option<&'a str>,
    has_account: bool,
    metadata: Option<Stored<&'a Map<String, Value>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_address: Option<Option<AddressBody<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<GroupBody<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orders: Option<Empty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_addresses: Option<Vec<AddressBody<'a>>>,
    #[serde(rename = "groups", skip_serializing_if = "Option::is_none")]
    groups_added: Option<Vec<GroupBody<'a>>>,
}

impl<'a> CustomerBody<'a> {
    fn new(customer: &'a Customer, related: &'a Related, relations: &Relations) -> Self {
        let address = |address, relations: &Relations| {
            AddressBody::new(address, customer, related, relations)
        };
        let groups = |relations: &Relations| {
            customer
                .groups
                .iter()
                .filter_map(|stream| related.group(stream))
                .map(|group| GroupBody::new(group, related, relations, None))
                .collect()
        };
        let groups = relations.get("groups").map(groups);
        let (groups_added, groups) = if relations.groups_added {
            (groups, None)
        } else {
            (None, groups)
        };
        Self {
            id: &customer.id,
            created_at: Milliseconds(customer.created_at),
            updated_at: Milliseconds(customer.updated_at),
            deleted_at: (),
            email: email(customer),
            first_name: customer.profile.first_name.as_deref(),
            last_name: customer.profile.last_name.as_deref(),
            billing_address_id: billing_address_id(customer),
            phone: customer.profile.phone.as_deref(),
            has_account: customer.profile.has_account,
            metadata: customer.profile.metadata.as_ref().map(Stored),
            billing_address: relations.get("billing_address").map(|relations| {
                customer
                    .billing_address()
                    .map(|billing| address(billing, relations))
            }),
            groups,
            orders: relations.get("orders").map(|_| []),
            shipping_addresses: relations.get("shipping_addresses").map(|relations| {
                customer
                    .shipping_addresses()
                    .map(|shipping| address(shipping, relations))
                    .collect()
            }),
            groups_added,
        }
    }
}

/// The columns that were given come first, then those that the database filled in.
#[derive(Serialize)]
struct CreatedBody<'a> {
    email: &'a str,
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
    #[serde(rename = "phone", skip_serializing_if = "Option::is_none")]
    given_phone: Option<Option<&'a str>>,
    #[serde(rename = "has_account", skip_serializing_if = "Option::is_none")]
    registered: Option<bool>,
    #[serde(rename = "metadata", skip_serializing_if = "Option::is_none")]
    given_metadata: Option<Option<AsGiven<&'a Map<String, Value>>>>,
    id: &'a str,
    deleted_at: (),
    billing_address_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<()>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<()>,
    created_at: Milliseconds,
    updated_at: Milliseconds,
    #[serde(rename = "has_account", skip_serializing_if = "Option::is_none")]
    guest: Option<bool>,
}

impl<'a> CreatedBody<'a> {
    fn new(customer: &'a Customer, given: Given) -> Self {
        let phone = customer.profile.phone.as_deref();
        let metadata = customer.profile.metadata.as_ref().map(AsGiven);
        Self {
            email: email(customer),
            first_name: customer.profile.first_name.as_deref(),
            last_name: customer.profile.last_name.as_deref(),
            given_phone: given.phone.then_some(phone),
            registered: customer.profile.has_account.then_some(true),
            given_metadata: given.metadata.then_some(metadata),
            id: &customer.id,
            deleted_at: (),
            billing_address_id: billing_address_id(customer),
            phone: (!given.phone).then_some(()),
            metadata: (!given.metadata).then_some(()),
            created_at: Milliseconds(customer.created_at),
            updated_at: Milliseconds(customer.updated_at),
            guest: (!customer.profile.has_account).then_some(false),
        }
    }
}

#[derive(Serialize)]
struct AddressBody<'a> {
    id: &'a str,
    created_at: Milliseconds,
    updated_at: Milliseconds,
    deleted_at: (),
    customer_id: Option<&'a str>,
    company: Option<&'a str>,
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
    address_1: Option<&'a str>,
    address_2: Option<&'a str>,
    city: Option<&'a str>,
    country_code: Option<&'a str>,
    province: Option<&'a str>,
    postal_code: Option<&'a str>,
    phone: Option<&'a str>,
    metadata: Option<Stored<&'a Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<Option<Box<CustomerBody<'a>>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<Option<CountryBody<'a>>>,
}

impl<'a> AddressBody<'a> {
    fn new(
        address: &'a Address,
        customer: &'a Customer,
        related: &'a Related,
        relations: &Relations,
    ) -> Self {
        // A billing address belongs to nobody's list. Source: the case `store-billing-object`.
        let owner = match address.slot {
            Slot::Shipping => Some(customer),
            Slot::Billing => None,
        };
        Self {
            id: &address.id,
            created_at: Milliseconds(address.created_at),
            updated_at: Milliseconds(address.updated_at),
            deleted_at: (),
            customer_id: owner.map(|owner| owner.id.as_str()),
            company: address.company.as_deref(),
            first_name: address.first_name.as_deref(),
            last_name: address.last_name.as_deref(),
            address_1: address.address_1.as_deref(),
            address_2: address.address_2.as_deref(),
            city: address.city.as_deref(),
            country_code: address.country_code.as_deref(),
            province: address.province.as_deref(),
            postal_code: address.postal_code.as_deref(),
            phone: address.phone.as_deref(),
            metadata: address.metadata.as_ref().map(Stored),
            customer: relations.get("customer").map(|relations| {
                owner.map(|owner| Box::new(CustomerBody::new(owner, related, relations)))
            }),
            country: relations.get("country").map(|relations| {
                let code = address.country_code.as_deref()?;
                Some(CountryBody::new(country(code)?, relations))
            }),
        }
    }
}

#[derive(Serialize)]
struct CountryBody<'a> {
    id: u32,
    iso_2: &'a str,
    iso_3: &'a str,
    num_code: u32,
    name: &'a str,
    display_name: &'a str,
    region_id: (),
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<()>,
}

impl<'a> CountryBody<'a> {
    fn new(country: &'a Country, relations: &Relations) -> Self {
        Self {
            id: country.id,
            iso_2: &country.iso_2,
            iso_3: &country.iso_3,
            num_code: country.num_code,
            name: &country.name,
            display_name: &country.display_name,
            region_id: (),
            region: relations.get("region").map(|_| ()),
        }
    }
}

/// A column is absent only where `fields` leaves it out.
#[derive(Serialize)]
struct GroupBody<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<Milliseconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<Milliseconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<()>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Option<Stored<&'a Map<String, Value>>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customers: Option<Vec<CustomerBody<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price_lists: Option<Empty>,
}

impl<'a> GroupBody<'a> {
    fn new(
        group: &'a Group,
        related: &'a Related,
        relations: &Relations,
        fields: Option<&Fields>,
    ) -> Self {
        let has = |column| fields.is_none_or(|fields| fields.has(column));
        let customers = |relations: &Relations| {
            related
                .members(&group.stream)
                .map(|member| CustomerBody::new(member, related, relations))
                .collect()
        };
        Self {
            id: &group.id,
            created_at: has("created_at").then_some(Milliseconds(group.created_at)),
            updated_at: has("updated_at").then_some(Milliseconds(group.updated_at)),
            deleted_at: has("deleted_at").then_some(()),
            name: has("name").then_some(&group.name),
            metadata: has("metadata").then(|| group.metadata.as_ref().map(Stored)),
            customers: relations.get("customers").map(customers),
            price_lists: relations.get("price_lists").map(|_| []),
        }
    }
}

#[derive(Serialize)]
struct GroupCreatedBody<'a> {
    name: &'a str,
    #[serde(rename = "metadata", skip_serializing_if = "Option::is_none")]
    given_metadata: Option<Option<AsGiven<&'a Map<String, Value>>>>,
    id: &'a str,
    deleted_at: (),
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<()>,
    created_at: Milliseconds,
    updated_at: Milliseconds,
}

/// A list that is always empty: the ledger holds neither orders nor price lists.
type Empty = [(); 0];

/// Medusa always has an e-mail and its clients count on a text.
fn email(customer: &Customer) -> &str {
    customer.profile.email.as_deref().unwrap_or_default()
}

fn billing_address_id(customer: &Customer) -> Option<&str> {
    customer
        .billing_address()
        .map(|billing| billing.id.as_str())
}

/// A time as JavaScript's `toISOString` writes it: UTC, the microseconds cut off.
struct Milliseconds(Timestamp);

impl Serialize for Milliseconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.strftime("%Y-%m-%dT%H:%M:%S.%3fZ"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microseconds_are_cut_off_not_rounded() {
        let shown = |text: &str| to_text(&Milliseconds(text.parse().unwrap()));
        assert_eq!(
            shown("2026-11-21T18:11:26.999999Z"),
            r#""2026-11-21T18:11:26.999Z""#
        );
        assert_eq!(
            shown("2026-01-02T03:04:05Z"),
            r#""2026-01-02T03:04:05.000Z""#
        );
        assert_eq!(
            shown("2026-01-02T03:04:05.07Z"),
            r#""2026-01-02T03:04:05.070Z""#
        );
    }
}
