//! What Medusa's own tests assert of the Admin API, and what a stranger would try on it.

mod auth;
