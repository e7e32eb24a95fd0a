//! Medusa v1's contract: its requests → commands, its refusals → Medusa's own answers.
//!
//! What a request meets, in order, and the file that plays it:
//!
//! 1. [`express::body`]: Express' JSON body parser, before everything else, also before authentication.
//! 2. [`path`]: Express' routing.
//! 3. (authentication: `crate::auth`; what the proofs say: [`express::cookie`], [`bearer`]; who signs in:
//!    [`login`], and is shown: [`user`])
//! 4. [`customer`], [`group`], [`members`], [`list`]: one function for each
//!    operation: body, then [`express::query`], checked by
//!    [`validation`], become a command.
//! 5. [`error`]: whatever goes wrong, as status, headers and text; [`refusal`] finds the words for what
//!    the domain and the store refuse. An [`express::etag`] is on every JSON answer.
//!
//! Answers that went well are not here: the projection renders them. `POST /admin/customers/{id}`
//! is read in [`customer::parse_update`] and answered by `projections::medusa`.
//!
//! # How to add an operation
//!
//! 1. Give [`path`] the route.
//! 2. Write a schema, as [`customer`] does, and a parse function that returns a request struct.
//! 3. Give [`error`] a variant for each new way to be refused, with the recorded case it is from.
//! 4. Add the recorded cases' section to `tests/conformance`.
//!
//! Source of every behaviour: Medusa 1.20.11, as recorded in `tests/conformance/medusa/`; where a
//! case is named, it is one of those.

pub mod bearer;
pub mod customer;
pub mod email;
pub mod error;
pub mod group;
pub mod list;
pub mod login;
pub mod members;
mod option;
pub mod path;
pub mod refusal;
pub mod user;
pub mod validation;
pub mod violation;
