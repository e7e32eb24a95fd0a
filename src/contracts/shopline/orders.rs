//! The orders of a customer, of which the ledger knows none yet: what is asked is judged all the same.
//!
//! Source: SHOPLINE, orders of a customer.

use super::error::ApiError;
use super::query::Query;

/// What `status` may be.
const STATUSES: [&str; 3] = ["open", "cancelled", "any"];
/// The most orders of a page.
const LIMIT_MAX: u32 = 100;

/// Judges the query.
pub fn check(query: &Query) -> Result<(), ApiError> {
    if !query.get("status").is_some_and(|it| STATUSES.contains(&it)) {
        return Err(ApiError::Parameter {
            parameter: "status",
            expected: "open, cancelled or any",
        });
    }
    let fits = |limit: &str| {
        limit
            .parse::<u32>()
            .is_ok_and(|limit| (1..=LIMIT_MAX).contains(&limit))
    };
    if query.get("limit").is_some_and(|limit| !fits(limit)) {
        return Err(ApiError::Parameter {
            parameter: "limit",
            expected: "a number from 1 to 100",
        });
    }
    Ok(())
}

#[test]
fn a_status_is_required_and_a_limit_has_limits() {
    let judged = |query| check(&Query::parse(query)).map_err(|refused| refused.status());
    for fine in [
        "status=any",
        "status=open&limit=100",
        "limit=1&status=cancelled",
    ] {
        assert_eq!(judged(fine), Ok(()), "{fine}");
    }
    for wrong in [
        "",
        "status=",
        "status=all",
        "status=any&limit=0",
        "status=any&limit=101",
    ] {
        assert_eq!(judged(wrong), Err(422), "{wrong}");
    }
}
