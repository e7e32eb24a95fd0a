//! What Medusa's own integration tests assert of the admin side, each statement a test with its
//! number. Source: contracts, section 10.

mod customers;
