//! What a list is ordered by, as an expression over the row `held`.
//!
//! Texts are compared by code point, as Medusa's own database compares them.

use events::ids::StreamId;

use super::Query;
use crate::medusa::list::{
    AddressColumn, CustomerColumn, CustomerKey, GroupColumn, GroupKey, Order,
};

/// The view of the row, as PostgreSQL can look into it: it reads no JSON in which U+0000 stands
/// anywhere, and a text from another shop may have one.
macro_rules! view {
    () => {
        r"(case when strpos(held.view::text, '\u0000') = 0 then held.view else regexp_replace(
            held.view::text, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g')::json end)"
    };
}

/// The metadata in a JSON object; without any, nothing.
macro_rules! metadata {
    ($of:expr) => {
        concat!("nullif(((", $of, ")->'metadata')::jsonb, 'null'::jsonb)")
    };
}

/// `groups` are the streams that a filter leaves of a customer's groups.
pub(super) fn customer_key(
    query: &mut Query<'_>,
    order: Order<CustomerKey>,
    groups: Option<&[StreamId]>,
) {
    match order.key {
        CustomerKey::Own(column) => {
            query.push(customer_column(column));
        }
        CustomerKey::Group(column) => {
            query.push("(with of as materialized (select held.store as store, held.group_ids as streams) select ");
            query.push(group_column(column));
            query.push(
                " from of join medusa_groups held on held.store = of.store \
                 and held.stream = any (of.streams) and not held.deleted",
            );
            if let Some(groups) = groups {
                query.push(" where held.stream = any (");
                query.push_bind(groups.to_vec());
                query.push(")");
            }
            push_first(query, order.descending);
        }
        CustomerKey::Billing(column) => {
            push_address(query, column, "billing", order.descending);
        }
        CustomerKey::Shipping(column) => {
            push_address(query, column, "shipping", order.descending);
        }
        CustomerKey::Nothing => {
            query.push("null::text");
        }
    }
}

pub(super) fn group_key(query: &mut Query<'_>, order: Order<GroupKey>) {
    match order.key {
        GroupKey::Own(column) => {
            query.push(group_column(column));
        }
        GroupKey::Member(column) => {
            query.push("(with of as materialized (select held.store as store, array[held.stream] as streams) select ");
            query.push(customer_column(column));
            query.push(
                " from of join medusa_customers held on held.store = of.store \
                 and held.group_ids && of.streams and not held.deleted",
            );
            push_first(query, order.descending);
        }
        GroupKey::Nothing => {
            query.push("null::text");
        }
    }
}

/// Of several the one that comes first in the same order.
fn push_first(query: &mut Query<'_>, descending: bool) {
    query.push(if descending {
        " order by 1 desc limit 1)"
    } else {
        " order by 1 limit 1)"
    });
}

const fn customer_column(column: CustomerColumn) -> &'static str {
    match column {
        CustomerColumn::Id => "held.id collate \"C\"",
        CustomerColumn::CreatedAt => "held.created_at",
        CustomerColumn::UpdatedAt => "held.updated_at",
        CustomerColumn::DeletedAt => "null::timestamptz",
        // Shown as an empty text where there is none.
        CustomerColumn::Email => "coalesce(held.email, '') collate \"C\"",
        CustomerColumn::FirstName => "held.first_name collate \"C\"",
        CustomerColumn::LastName => "held.last_name collate \"C\"",
        CustomerColumn::BillingAddressId => concat!(
            "(select address->>'id' collate \"C\" from json_array_elements(",
            view!(),
            "->'addresses') with ordinality as address (address, place) \
             where address->>'slot' = 'billing' order by place desc limit 1)"
        ),
        CustomerColumn::Phone => "held.phone collate \"C\"",
        CustomerColumn::HasAccount => "held.has_account",
        CustomerColumn::Metadata => metadata!(concat!(view!(), "->'profile'")),
    }
}

const fn group_column(column: GroupColumn) -> &'static str {
    match column {
        GroupColumn::Id => "held.id collate \"C\"",
        GroupColumn::CreatedAt => "held.created_at",
        GroupColumn::UpdatedAt => "held.updated_at",
        GroupColumn::DeletedAt => "null::timestamptz",
        GroupColumn::Name => "held.name collate \"C\"",
        GroupColumn::Metadata => metadata!(view!()),
    }
}

/// The last billing address is the one that is shown.
fn push_address(query: &mut Query<'_>, column: AddressColumn, slot: &str, descending: bool) {
    query.push("(select ");
    match column {
        AddressColumn::Text(name) => {
            query.push(format_args!("address->>'{name}' collate \"C\""));
        }
        AddressColumn::Time(name) => {
            query.push(format_args!("(address->>'{name}')::timestamptz"));
        }
        AddressColumn::Metadata => {
            query.push(metadata!("address"));
        }
        AddressColumn::Owner => {
            query.push(match slot {
                "shipping" => "held.id collate \"C\"",
                _ => "null::text",
            });
        }
        AddressColumn::Nothing => {
            query.push("null::text");
        }
    }
    query.push(concat!(
        " from json_array_elements(",
        view!(),
        "->'addresses') with ordinality as address (address, place) where address->>'slot' = "
    ));
    query.push(format_args!("'{slot}'"));
    query.push(match (slot, descending) {
        ("billing", _) => " order by place desc limit 1)",
        (_, false) => " order by 1 limit 1)",
        (_, true) => " order by 1 desc limit 1)",
    });
}
