//! What Node.js, Express and the packages that come with them do with a request.
//!
//! Medusa v1 is an Express application, and its answers depend on how the layers below it read a
//! request: which texts are dates, which bytes are JSON, which path is a route. Each module here is
//! one such behaviour, and names the package and the version that it follows. Medusa's own rules
//! (what a body must hold, what is answered) are not here: they are the service's
//! `contracts::medusa`.
//!
//! Everything is pure: plain values in, plain values out. No input panics.

pub mod body;
pub mod cookie;
pub mod date;
pub mod etag;
pub mod json;
pub mod number;
pub mod path;
pub mod prototype;
pub mod query;
pub mod stringify;
