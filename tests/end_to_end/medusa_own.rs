//! What Medusa's own integration tests assert of the admin side, each statement a test with its
//! number (source: contracts, section 10), and what a stranger would try beside it.

mod auth;
mod customers;
mod groups;
