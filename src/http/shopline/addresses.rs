//! `customers/{id}/addresses`: addresses as resources of their own.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod delete_many;
pub(super) mod get;
pub(super) mod list;
pub(super) mod set_default;
pub(super) mod update;

mod put;
