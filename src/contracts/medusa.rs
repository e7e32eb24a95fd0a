//! Medusa v1's contract: its requests → commands, its refusals → Medusa's own answers.
//!
//! Source of every behaviour: Medusa 1.20.11, as recorded in `tests/conformance/medusa/`; where a
//! case is named, it is one of those.

pub mod body;
pub mod email;
pub mod etag;
pub mod json;
pub mod path;
pub mod query;
