//! SHOPLINE's Admin REST API for customers, as an app sees it. Pure: plain values in and out.
//!
//! A request meets the files in this order: [`path`] finds the version and the route, [`token`] says
//! which app asks, [`request`] checks headers and body, [`customer`] makes a command of the body.
//! Whatever is refused on the way is a [`error::ApiError`], which knows its status and text.
//!
//! * A further route is a line in [`path`] and, if it has a body, a parser beside [`customer`].
//! * A further version is a line in [`versions`]; what it reads differently goes through its parser.
//!
//! The answers to accepted requests are made by the projection `shopline`.

pub mod address;
mod consent;
pub mod customer;
pub mod error;
pub mod ids;
mod json;
pub mod limits;
pub mod list;
mod member;
pub mod orders;
pub mod path;
pub mod query;
pub mod rate;
pub mod request;
mod time;
pub mod token;
pub mod versions;
