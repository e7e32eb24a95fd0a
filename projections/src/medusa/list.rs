//! What a page of customers or groups is: which are meant, in which order, and how many of them.

use events::ids::StreamId;

use super::group::{COLUMNS, Fields};
use super::relations::Relations;

/// A time in seconds since 1970, compared at the microsecond although only milliseconds are shown.
/// All that are given must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Window {
    /// Earlier than.
    pub lt: Option<f64>,
    /// Later than.
    pub gt: Option<f64>,
    /// Not earlier than.
    pub gte: Option<f64>,
    /// Not later than.
    pub lte: Option<f64>,
}

impl Window {
    /// Whether it lets everything through.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }
}

/// A part of what is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// At most so many; all that there are, if not given.
    pub limit: Option<i64>,
    /// After so many.
    pub offset: i64,
}

/// What the filter `has_account` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HasAccount {
    /// Everyone.
    #[default]
    Any,
    /// Registered customers.
    Yes,
    /// Guests.
    No,
    /// Those of whom it is not known: nobody.
    Null,
}

/// Which customers are meant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomerFilter {
    /// Part of an e-mail, a first or a last name, in any case; `%`, `_` and `\` as in `LIKE`.
    pub q: Option<String>,
    /// Whether they are registered.
    pub has_account: HasAccount,
    /// Streams of groups: members of any.
    pub groups: Option<Vec<StreamId>>,
    /// When they came into being.
    pub created_at: Window,
    /// When they last changed.
    pub updated_at: Window,
}

/// Which groups are meant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupFilter {
    /// Part of a name, as in [`CustomerFilter::q`].
    pub q: Option<String>,
    /// Any of these names.
    pub names: Option<Vec<String>>,
    /// When they came into being.
    pub created_at: Window,
    /// When they last changed.
    pub updated_at: Window,
}

/// An order of a list. Nothing stands last, or first in a descending order, and what is equal is in
/// the order of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order<K> {
    /// By what.
    pub key: K,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// What customers are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CustomerKey {
    /// Their own.
    Own(CustomerColumn),
    /// The first of their groups', in the same order.
    Group(GroupColumn),
    /// Their billing address's.
    Billing(AddressColumn),
    /// The first of their shipping addresses'.
    Shipping(AddressColumn),
    /// Something that nobody has.
    Nothing,
}

/// What groups are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKey {
    /// Their own.
    Own(GroupColumn),
    /// The first of their members'.
    Member(CustomerColumn),
    /// Something that no group has.
    Nothing,
}

/// A column of a customer.
#[expect(missing_docs, reason = "they are what they are called")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CustomerColumn {
    Id,
    CreatedAt,
    UpdatedAt,
    DeletedAt,
    Email,
    FirstName,
    LastName,
    BillingAddressId,
    Phone,
    HasAccount,
    Metadata,
}

/// A column of a group.
#[expect(missing_docs, reason = "they are what they are called")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupColumn {
    Id,
    CreatedAt,
    UpdatedAt,
    DeletedAt,
    Name,
    Metadata,
}

/// A column of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressColumn {
    /// A text, by its name in the view.
    Text(&'static str),
    /// A time, by its name in the view.
    Time(&'static str),
    /// The free metadata.
    Metadata,
    /// Whose it is: of no one, in a billing address.
    Owner,
    /// Something that no address has.
    Nothing,
}

/// There is no such order: a column that there is not, or one of a relation that is not shown.
/// Medusa answers 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such order")]
pub struct UnknownOrder;

impl Order<CustomerKey> {
    /// Reads the option as `GET /admin/customers` takes it: a column, or a column of a relation that
    /// is shown; after a `-` descending. Source: the recorded cases `list-order-*`.
    pub fn of_customers(text: &str, relations: &Relations) -> Result<Self, UnknownOrder> {
        Self::parse(text, relations, |relation, column| match relation {
            None => CustomerColumn::parse(column).map(CustomerKey::Own),
            Some("groups") => GroupColumn::parse(column).map(CustomerKey::Group),
            Some("billing_address") => AddressColumn::parse(column).map(CustomerKey::Billing),
            Some("shipping_addresses") => AddressColumn::parse(column).map(CustomerKey::Shipping),
            Some("orders") => ORDERS.contains(&column).then_some(CustomerKey::Nothing),
            Some(_) => None,
        })
    }
}

impl Order<GroupKey> {
    /// Reads the option as `GET /admin/customer-groups` takes it; the latest come first by default.
    ///
    /// With relations, the column must be among the `fields` that are shown.
    pub fn of_groups(
        text: Option<&str>,
        relations: &Relations,
        fields: Option<&Fields>,
    ) -> Result<Self, UnknownOrder> {
        let Some(text) = text else {
            return Ok(Self {
                key: GroupKey::Own(GroupColumn::CreatedAt),
                descending: true,
            });
        };
        let is_shown =
            |column: &&str| relations.is_empty() || fields.is_none_or(|shown| shown.has(column));
        Self::parse(text, relations, |relation, column| match relation {
            None => Some(column)
                .filter(is_shown)
                .and_then(GroupColumn::parse)
                .map(GroupKey::Own),
            Some("customers") => CustomerColumn::parse(column).map(GroupKey::Member),
            Some("price_lists") => PRICE_LISTS.contains(&column).then_some(GroupKey::Nothing),
            Some(_) => None,
        })
    }
}

impl<K> Order<K> {
    fn parse(
        text: &str,
        relations: &Relations,
        key: impl Fn(Option<&str>, &str) -> Option<K>,
    ) -> Result<Self, UnknownOrder> {
        // Medusa splits at each dash and takes the second piece.
        let (field, descending) = match text.strip_prefix('-') {
            Some(rest) => (rest.split('-').next().unwrap_or_default(), true),
            None => (text, false),
        };
        let (relation, column) = match field.split_once('.') {
            Some((relation, column)) => (Some(relation), column),
            None => (None, field),
        };
        if relation.is_some_and(|relation| relations.get(relation).is_none()) {
            return Err(UnknownOrder);
        }
        let key = key(relation, column).ok_or(UnknownOrder)?;
        Ok(Self { key, descending })
    }
}

impl CustomerColumn {
    /// Not by `password_hash`: an order would tell of a secret, bit by bit.
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "id" => Self::Id,
            "created_at" => Self::CreatedAt,
            "updated_at" => Self::UpdatedAt,
            "deleted_at" => Self::DeletedAt,
            "email" => Self::Email,
            "first_name" => Self::FirstName,
            "last_name" => Self::LastName,
            "billing_address_id" => Self::BillingAddressId,
            "phone" => Self::Phone,
            "has_account" => Self::HasAccount,
            "metadata" => Self::Metadata,
            _ => return None,
        })
    }
}

impl GroupColumn {
    fn parse(name: &str) -> Option<Self> {
        // In the order of the columns.
        let columns = [
            Self::Id,
            Self::CreatedAt,
            Self::UpdatedAt,
            Self::DeletedAt,
            Self::Name,
            Self::Metadata,
        ];
        let mut named = COLUMNS.into_iter().zip(columns);
        named
            .find(|(column, _)| *column == name)
            .map(|(_, key)| key)
    }
}

impl AddressColumn {
    fn parse(name: &str) -> Option<Self> {
        let named = |names: &[&'static str]| names.iter().copied().find(|known| *known == name);
        if let Some(text) = named(&ADDRESS_TEXTS) {
            return Some(Self::Text(text));
        }
        if let Some(time) = named(&["created_at", "updated_at"]) {
            return Some(Self::Time(time));
        }
        match name {
            "metadata" => Some(Self::Metadata),
            "customer_id" => Some(Self::Owner),
            "deleted_at" => Some(Self::Nothing),
            _ => None,
        }
    }
}

const ADDRESS_TEXTS: [&str; 11] = [
    "id",
    "company",
    "first_name",
    "last_name",
    "address_1",
    "address_2",
    "city",
    "country_code",
    "province",
    "postal_code",
    "phone",
];

/// Columns of an order. Source: contracts, JSON shapes.
const ORDERS: [&str; 22] = [
    "id",
    "created_at",
    "updated_at",
    "status",
    "fulfillment_status",
    "payment_status",
    "display_id",
    "cart_id",
    "customer_id",
    "email",
    "billing_address_id",
    "shipping_address_id",
    "region_id",
    "currency_code",
    "tax_rate",
    "draft_order_id",
    "canceled_at",
    "metadata",
    "no_notification",
    "idempotency_key",
    "external_id",
    "sales_channel_id",
];

const PRICE_LISTS: [&str; 10] = [
    "id",
    "created_at",
    "updated_at",
    "deleted_at",
    "name",
    "description",
    "type",
    "status",
    "starts_at",
    "ends_at",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn customers(text: &str, expand: &str) -> Result<Order<CustomerKey>, UnknownOrder> {
        let relations = Relations::of_customers(Some(expand)).unwrap();
        Order::of_customers(text, &relations)
    }

    #[test]
    fn customers_are_ordered_by_any_column() {
        let order = |key, descending| Ok(Order { key, descending });
        let own = CustomerKey::Own;
        for (text, expand, expected) in [
            ("email", "", order(own(CustomerColumn::Email), false)),
            ("-email", "", order(own(CustomerColumn::Email), true)),
            ("-email-x", "", order(own(CustomerColumn::Email), true)),
            (
                "-groups.name",
                "groups",
                order(CustomerKey::Group(GroupColumn::Name), true),
            ),
            (
                "shipping_addresses.city",
                "shipping_addresses.country",
                order(CustomerKey::Shipping(AddressColumn::Text("city")), false),
            ),
            ("orders.email", "orders", order(CustomerKey::Nothing, false)),
            ("groups.name", "", Err(UnknownOrder)),
            ("groups.bogus", "groups", Err(UnknownOrder)),
            ("groups", "groups", Err(UnknownOrder)),
            (
                "groups.customers.email",
                "groups.customers",
                Err(UnknownOrder),
            ),
            ("password_hash", "", Err(UnknownOrder)),
            ("email-x", "", Err(UnknownOrder)),
            ("id,", "", Err(UnknownOrder)),
            ("--email", "", Err(UnknownOrder)),
            ("+email", "", Err(UnknownOrder)),
            (" email", "", Err(UnknownOrder)),
            ("EMAIL", "", Err(UnknownOrder)),
            ("-", "", Err(UnknownOrder)),
            (".", "", Err(UnknownOrder)),
        ] {
            assert_eq!(customers(text, expand), expected, "{text}");
        }
    }

    #[test]
    fn groups_are_ordered_by_a_column_that_is_shown() {
        let order = |text, expand, fields| {
            let relations = Relations::of_group(Some(expand)).unwrap();
            let fields = Fields::parse(fields).unwrap();
            Order::of_groups(text, &relations, Some(&fields)).map(|order| order.key)
        };
        let name = Ok(GroupKey::Own(GroupColumn::Name));
        assert_eq!(order(Some("name"), "customers", "name"), name);
        assert_eq!(order(Some("name"), "", "metadata"), name);
        assert_eq!(order(Some("name"), ",", "metadata"), name);
        assert_eq!(
            order(Some("name"), "customers", "metadata"),
            Err(UnknownOrder)
        );
        assert_eq!(
            order(Some("customers.email"), "customers", "name"),
            Ok(GroupKey::Member(CustomerColumn::Email))
        );
        assert_eq!(
            order(Some("customers.email"), "", "name"),
            Err(UnknownOrder)
        );
        let latest = Ok(GroupKey::Own(GroupColumn::CreatedAt));
        assert_eq!(order(None, "customers", "name"), latest);
    }
}
