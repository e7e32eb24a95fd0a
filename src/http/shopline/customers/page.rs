//! A page of customers, with links to the pages beside it: what list and search share.

use projections::shopline::render_list;
use projections::shopline::table::pages;

use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::list::Request;
use crate::contracts::shopline::list::link::link;
use crate::contracts::shopline::path::MatchedPath;
use crate::http::server::proxies::origin;
use crate::http::shopline::call::Call;
use crate::http::shopline::response::Answered;

/// Shows a page. A search that takes too long is answered as a store that is away: the app may
/// repeat it.
pub(super) async fn page(
    call: &Call<'_>,
    found: &MatchedPath,
    request: &Request,
) -> Result<Answered, ApiError> {
    let behind = call.behind().await?;
    let mut lists = call.api.lists.acquire().await?;
    let Request {
        filter,
        order,
        start,
        limit,
        fields,
        ..
    } = request;
    let store = &call.api.ledger.store;
    let page = pages::page(&mut lists, store, filter, *order, start, *limit).await?;
    drop(lists);
    let url = format!("{}{}", asked_at(call), found.canonical_path());
    let (store, version) = (&call.api.store, found.version.shown);
    let body = render_list(&page.customers, store, version, fields.as_ref());
    Ok(Answered {
        link: link(&url, request, &page, &|text| seal(call, text)),
        behind,
        ..Answered::ok(body)
    })
}

/// Seals the cursor of a link, so that no other can be made.
pub(super) fn seal(call: &Call<'_>, text: &str) -> [u8; 32] {
    call.api.ledger.keyring.hash_request(&["page_info", text])
}

/// Where the app sent the request; without a host in it, where SHOPLINE's apps send theirs.
fn asked_at(call: &Call<'_>) -> String {
    let origin = origin(&call.api.trusted_proxies, call.peer, call.headers);
    origin.unwrap_or_else(|| format!("https://{}", call.domain()))
}
