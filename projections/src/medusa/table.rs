//! Medusa's tables: `medusa_customers` and `medusa_groups`.

pub mod customers;
pub mod groups;
pub mod pages;
