//! The header `link`: where the next and the previous page are.
//!
//! It is one line. SHOPLINE's clients split it at commas and follow what is between `<` and `>`, so
//! that no comma stands in a URL, and `next` comes first. Source: SHOPLINE, paging, and its clients.

use projections::shopline::{Page, SortKey, Start};

use super::{Request, Seal, page_info};

/// The header of a page at this absolute URL; none when there is no other page.
pub fn link(url: &str, request: &Request, page: &Page, seal: Seal<'_>) -> Option<String> {
    let (first, last) = (page.customers.first(), page.customers.last());
    // From a page whose customers are all gone the way leads back to an end of the list.
    let next = last.map_or(Start::First, |last| Start::After(SortKey::of(last)));
    let previous = first.map_or(Start::Last, |first| Start::Before(SortKey::of(first)));
    let entry = |is_there: bool, start: Start, rel: &str| {
        let request = Request {
            start,
            ..request.clone()
        };
        let info = page_info::encode(&request, seal);
        let limit = request.limit;
        is_there.then(|| format!("<{url}?limit={limit}&page_info={info}>; rel=\"{rel}\""))
    };
    let entries = [
        entry(page.has_next, next, "next"),
        entry(page.has_previous, previous, "previous"),
    ];
    let entries: Vec<_> = entries.into_iter().flatten().collect();
    (!entries.is_empty()).then(|| entries.join(", "))
}
