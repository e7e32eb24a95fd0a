//! Medusa's shape of customers and customer groups.
//!
//! It answers `GET /admin/customers/{id}`, `POST /admin/customers/{id}`, `POST /admin/customers`, the
//! lists, and their twins for customer groups; the requests are read in the service's `contracts::medusa`.
//! Source: Medusa 1.20.11, recorded.

mod customer;
mod group;
mod json;
mod list;
mod related;
mod relations;
mod render;
pub mod table;

pub use customer::{Address, Customer};
pub use group::{Fields, Group, UnknownField};
pub use list::{
    AddressColumn, CustomerColumn, CustomerFilter, CustomerKey, GroupColumn, GroupFilter, GroupKey,
    HasAccount, Order, Page, UnknownOrder, Window,
};
pub use related::{Missing, Related};
pub use relations::{DEPTH_MAX, Relations, UnknownRelation};
pub use render::{
    Envelope, Given, render_created, render_customer, render_customers, render_group,
    render_group_created, render_group_deleted, render_groups, render_no_group,
};
