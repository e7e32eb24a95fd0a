//! SHOPLINE's shape of customers.
//!
//! It answers `PUT /admin/openapi/v20220901/customers/{id}.json` and the customer reads and creates
//! beside it; the requests are read in the service's `contracts::shopline`.
//! Source: SHOPLINE's Admin REST documentation, v20220901 and v20230901.

mod customer;
mod list;
mod render;
pub mod table;

pub use customer::{Address, Customer};
pub use list::{Filter, Order, Page, SortKey, Start, Window, first_name_term, tag_term};
pub use render::{
    Fields, Store, Version, render_activation_url, render_address, render_addresses, render_count,
    render_created, render_deleted, render_invite, render_list, render_nothing, render_orders,
    render_read, render_subscriptions, render_updated,
};
