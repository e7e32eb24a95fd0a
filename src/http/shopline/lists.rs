//! Customers: what a request asks for many of.

use projections::shopline as view;
use projections::shopline::table::pages;
use serde_json::json;

use super::{Answered, Call, unread};
use crate::contracts::shopline::list::link::link;
use crate::contracts::shopline::list::{Request, parse_list, parse_search};
use crate::contracts::shopline::path::MatchedPath;
use crate::contracts::shopline::query::Query;
use crate::contracts::shopline::refused::Refused;
use crate::http::server::proxies::origin;
use crate::kafka::projector::Projection;

impl Call<'_> {
    /// `GET v2/customers.json`.
    pub(super) async fn list(&self, found: &MatchedPath) -> Result<Answered, Refused> {
        let query = Query::parse(self.query);
        let zone = &self.api.store.time_zone;
        let request = parse_list(&query, zone, &|text| self.seal(text))?;
        self.page(found, &request).await
    }

    /// `GET customers/v2/search.json`.
    pub(super) async fn search(&self, found: &MatchedPath) -> Result<Answered, Refused> {
        let query = Query::parse(self.query);
        let zone = &self.api.store.time_zone;
        let request = parse_search(&query, zone, &|text| self.seal(text))?;
        self.page(found, &request).await
    }

    /// `GET customers/v2/count.json`.
    pub(super) async fn count(&self) -> Result<Answered, Refused> {
        let behind = self.behind().await?;
        let lists = self.api.lists.acquire().await;
        let mut lists = lists.map_err(|error| unread(&error))?;
        let count = pages::count(&mut lists, &self.api.ledger.store).await;
        let count = count.map_err(|error| unread(&error))?;
        Ok(Answered {
            behind,
            ..Answered::ok(json!({ "count": count }).to_string())
        })
    }

    /// A search that takes too long is answered as a store that is away: the app may repeat it.
    async fn page(&self, found: &MatchedPath, request: &Request) -> Result<Answered, Refused> {
        let behind = self.behind().await?;
        let lists = self.api.lists.acquire().await;
        let mut lists = lists.map_err(|error| unread(&error))?;
        let (
            store,
            Request {
                filter,
                order,
                start,
                limit,
                ..
            },
        ) = (&self.api.ledger.store, request);
        let page = pages::page(&mut lists, store, filter, *order, start, *limit).await;
        let page = page.map_err(|error| unread(&error))?;
        drop(lists);
        let url = format!("{}{}", self.origin(), found.canonical_path());
        let fields = request.fields.as_ref();
        Ok(Answered {
            link: link(&url, request, &page, &|text| self.seal(text)),
            behind,
            ..Answered::ok(view::render_list(
                &page.customers,
                &self.api.store,
                found.version.shown,
                fields,
            ))
        })
    }

    async fn behind(&self) -> Result<Option<i64>, Refused> {
        let behind = self.api.behind(Projection::Shopline).await;
        behind.map_err(|error| unread(&error))
    }

    /// Where the app sent the request; without a host in it, where SHOPLINE's apps send theirs.
    fn origin(&self) -> String {
        let origin = origin(&self.api.trusted_proxies, self.peer, self.headers);
        origin.unwrap_or_else(|| format!("https://{}", self.domain()))
    }

    fn seal(&self, text: &str) -> [u8; 32] {
        self.api.ledger.keyring.hash_request(&["page_info", text])
    }
}
