//! The customer ledger: see README.md.
