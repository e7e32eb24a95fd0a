//! The recorded cases of the real shops, replayed against a ledger over TCP.
//!
//! `medusa/*.json` holds what Medusa 1.20.11 was asked and what it answered, one case a line, one
//! file a section, bodies exactly as they were sent. A case's `kind` says what a difference means
//! ([`cases::Kind`]); the comparison ([`compare`]) forgives ids, times and the order of lists that
//! have none, and nothing else.

mod cases;
mod compare;
mod refusals;
mod replay;
mod tree;
mod world;

use std::collections::BTreeSet;

use cases::Kind;
use replay::Report;

/// Where the ledger under test listens, and its API token.
struct Ledger {
    base: String,
    token: String,
}

/// The ledger named in the environment.
#[expect(
    clippy::disallowed_methods,
    reason = "a test names the server it is run against"
)]
fn ledger_in_the_environment() -> Option<Ledger> {
    Some(Ledger {
        base: std::env::var("CONFORMANCE_BASE_URL").ok()?,
        token: std::env::var("CONFORMANCE_TOKEN").ok()?,
    })
}

#[tokio::test]
async fn the_ledger_answers_as_medusa_did() {
    let Some(ledger) = ledger_in_the_environment() else {
        return;
    };
    let report = replay::run(&ledger.base, &ledger.token).await;
    judge(&report);
}

#[track_caller]
fn judge(report: &Report) {
    let names = |kind| -> BTreeSet<String> {
        report
            .mismatches
            .iter()
            .filter(|mismatch| mismatch.kind == kind)
            .map(|mismatch| mismatch.name.clone())
            .collect()
    };
    let found: Vec<_> = report
        .mismatches
        .iter()
        .map(|mismatch| format!("{}: {}", mismatch.name, mismatch.differences.join("; ")))
        .collect();
    assert_eq!(names(Kind::Contract), BTreeSet::new(), "{found:#?}");
    assert_eq!(names(Kind::Quirk), cases::departures(), "{found:#?}");
    assert_eq!(report.contract_count, 167);
    assert_eq!(report.race_keys, 16, "keys written at the same time");
}
