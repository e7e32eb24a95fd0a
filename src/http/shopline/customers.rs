//! `customers`, and what else names a customer.

pub(super) mod account_activation_url;
pub(super) mod count;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod orders;
pub(super) mod remove_tags;
pub(super) mod search;
pub(super) mod send_invite;
pub(super) mod subscriptions;
pub(super) mod update;

mod page;
