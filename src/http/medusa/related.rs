//! What relations lead to: groups, and the members of groups.

use projections::medusa::table::customers;
use projections::medusa::{Missing, Related};

use super::call::Call;
use crate::contracts::medusa::error::ApiError;

/// Reads what relations lead to until nothing is missing. Members of groups are a list: it waits for
/// the projection, and says by how much it is behind if it still is.
pub(super) async fn relate(
    call: &Call<'_>,
    related: &mut Related,
    missing: impl Fn(&Related) -> Missing,
) -> Result<Option<i64>, ApiError> {
    let ledger = &call.api.ledger;
    let mut behind = None;
    let mut waited = false;
    loop {
        let missing = missing(related);
        if missing.is_empty() {
            return Ok(behind);
        }
        if !missing.groups.is_empty() {
            let groups = ledger.medusa_groups(&missing.groups).await?;
            related.hold_groups(&missing.groups, groups);
        }
        if !missing.members.is_empty() {
            let mut connection = ledger.pool.acquire().await?;
            if !waited {
                waited = true;
                behind = call.behind().await?;
            }
            let members = customers::members(&mut connection, &ledger.store, &missing.members);
            related.hold_members(&missing.members, members.await?);
        }
    }
}
