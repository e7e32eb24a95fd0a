//! The recorded cases of the real shops, replayed against a ledger over TCP.
//!
//! `medusa/*.json` holds what Medusa 1.20.11 was asked and what it answered, one case a line, one
//! file a section, bodies exactly as they were sent. A case's `kind` says what a difference means
//! ([`cases::Kind`]); the comparison ([`compare`]) forgives ids, times and the order of lists that
//! have none, and nothing else.

mod cases;
mod compare;
pub(crate) mod proofs;
mod races;
mod refusals;
mod replay;
mod tree;
mod world;

use std::collections::BTreeSet;

use self::cases::Kind;
use self::replay::Report;

use crate::support::shop::{API_TOKEN, Shop};

#[tokio::test]
async fn the_ledger_answers_as_medusa_did() {
    let shop = Shop::open().await;
    // A recorded case comes over https, as a proxy says.
    let settings = [("TRUSTED_PROXIES", "127.0.0.0/8")];
    let server = shop.serve_with("api,relay,projector", &settings).await;
    let report = replay::run(&server.base, API_TOKEN).await;
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
    assert_eq!(report.contract_count, 279);
    assert_eq!(names(Kind::Race), BTreeSet::new(), "{found:#?}");
}
