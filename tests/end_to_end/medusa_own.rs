//! What Medusa's own tests say of these routes, restated: one test for each statement, by its
//! number in the contract's §10.

mod groups;
