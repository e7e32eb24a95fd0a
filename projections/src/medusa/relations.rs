//! Which relations an answer shows: the query option `expand`.

use std::collections::BTreeMap;

/// The most names in one dotted path. Medusa has no limit; here each further `customers` multiplies
/// the answer by the members of a group, and six names say everything that a customer has.
pub const DEPTH_MAX: usize = 6;

/// The relations asked for, as a tree: naming a path names its parents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relations {
    named: BTreeMap<String, Self>,
    /// Whether the customer's groups were added, and not asked for: then they are shown last.
    /// Source: case `cg-customers-expand`.
    pub(super) groups_added: bool,
}

/// `expand` names something that is no relation, a column included. Medusa answers 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such relation")]
pub struct UnknownRelation;

impl Relations {
    /// Relations of one customer: by default its orders and shipping addresses.
    pub fn of_customer(expand: Option<&str>) -> Result<Self, UnknownRelation> {
        Self::parse(Entity::Customer, expand, "orders,shipping_addresses")
    }

    /// Relations of each customer of a list: by default none.
    pub fn of_customers(expand: Option<&str>) -> Result<Self, UnknownRelation> {
        Self::parse(Entity::Customer, expand, "")
    }

    /// Relations of a customer group, alone or in a list: by default none.
    pub fn of_group(expand: Option<&str>) -> Result<Self, UnknownRelation> {
        Self::parse(Entity::Group, expand, "")
    }

    /// Whether groups of the customer itself are asked for.
    pub fn has_groups(&self) -> bool {
        self.named.contains_key("groups")
    }

    /// Whether a group's members are asked for, at any depth.
    pub fn has_members(&self) -> bool {
        let mut named = self.named.iter();
        named.any(|(name, below)| name == "customers" || below.has_members())
    }

    /// The same, and the customer's groups.
    #[must_use]
    pub fn with_groups(mut self) -> Self {
        if !self.has_groups() {
            self.groups_added = true;
            self.named.insert("groups".to_owned(), Self::default());
        }
        self
    }

    /// Whether no relation is asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// The relations below one that is asked for.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.named.get(name)
    }

    /// An empty text counts as none given; stray commas are ignored; nothing is trimmed.
    /// Source: the recorded cases `get-expand-*`.
    fn parse(
        entity: Entity,
        expand: Option<&str>,
        defaults: &str,
    ) -> Result<Self, UnknownRelation> {
        let expand = expand.filter(|text| !text.is_empty()).unwrap_or(defaults);
        let mut relations = Self::default();
        for path in expand.split(',').filter(|path| !path.is_empty()) {
            relations.add(entity, path)?;
        }
        Ok(relations)
    }

    fn add(&mut self, entity: Entity, path: &str) -> Result<(), UnknownRelation> {
        if path.split('.').count() > DEPTH_MAX {
            return Err(UnknownRelation);
        }
        let mut node = self;
        let mut entity = entity;
        for name in path.split('.') {
            entity = entity.related(name).ok_or(UnknownRelation)?;
            node = node.named.entry(name.to_owned()).or_default();
        }
        Ok(())
    }
}

/// What a relation leads to.
#[derive(Clone, Copy)]
enum Entity {
    Customer,
    Group,
    Address,
    Country,
    Order,
    /// Something that the ledger never holds. It is always empty, so that any name below it is
    /// taken on trust.
    Nothing,
}

impl Entity {
    fn related(self, name: &str) -> Option<Self> {
        Some(match (self, name) {
            (Self::Customer, "orders") => Self::Order,
            (Self::Customer, "groups") => Self::Group,
            (Self::Customer, "billing_address" | "shipping_addresses")
            | (Self::Order, "billing_address" | "shipping_address") => Self::Address,
            (Self::Group, "customers") | (Self::Address | Self::Order, "customer") => {
                Self::Customer
            }
            (Self::Address, "country") => Self::Country,
            (Self::Group, "price_lists") | (Self::Country, "region") => Self::Nothing,
            (Self::Order, name) if ORDER.contains(&name) => Self::Nothing,
            (Self::Nothing, name) if !name.is_empty() => Self::Nothing,
            _ => return None,
        })
    }
}

/// Relations of an order that lead to neither customers nor addresses.
const ORDER: [&str; 18] = [
    "cart",
    "claims",
    "currency",
    "discounts",
    "draft_order",
    "edits",
    "fulfillments",
    "gift_card_transactions",
    "gift_cards",
    "items",
    "payments",
    "refunds",
    "region",
    "returns",
    "sales_channel",
    "shipping_methods",
    "swaps",
    "tracking_links",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[&str]) -> Relations {
        let mut relations = Relations::default();
        for path in paths {
            let mut node = &mut relations;
            for name in path.split('.') {
                node = node.named.entry((*name).to_owned()).or_default();
            }
        }
        relations
    }

    #[test]
    fn nothing_asked_for_is_the_default() {
        let default = Ok(tree(&["orders", "shipping_addresses"]));
        assert_eq!(Relations::of_customer(None), default);
        assert_eq!(Relations::of_customer(Some("")), default);
        assert_eq!(Relations::of_customers(None), Ok(tree(&[])));
        assert_eq!(Relations::of_group(Some("")), Ok(tree(&[])));
    }

    #[test]
    fn what_is_asked_for_replaces_the_default() {
        for (expand, paths) in [
            ("groups", &["groups"] as &[_]),
            ("groups,groups", &["groups"]),
            ("groups,", &["groups"]),
            (",", &[]),
            (
                "billing_address.country.region",
                &["billing_address.country.region"],
            ),
            (
                "groups.customers,groups.price_lists.prices",
                &["groups.customers", "groups.price_lists.prices"],
            ),
            ("orders.items.variant", &["orders.items.variant"]),
        ] {
            assert_eq!(
                Relations::of_customer(Some(expand)),
                Ok(tree(paths)),
                "{expand}"
            );
        }
    }

    #[test]
    fn columns_and_unknown_names_are_refused() {
        for expand in [
            "bogus",
            "email",
            "customers",
            "Groups",
            "groups, orders",
            "groups.",
            ".groups",
            "groups..customers",
            "groups.name",
            "orders.bogus",
            "shipping_addresses.region",
            "groups.customers.groups.customers.groups.customers.groups",
        ] {
            assert_eq!(
                Relations::of_customer(Some(expand)),
                Err(UnknownRelation),
                "{expand}"
            );
        }
        assert_eq!(Relations::of_group(Some("groups")), Err(UnknownRelation));
    }
}
