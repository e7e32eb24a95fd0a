//! One request of a known app, and what the endpoints need of it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use events::ids::{RequestId, Sequence, ShoplineId, StreamId};
use events::record::{Actor, Contract};
use projections::shopline as view;

use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::limits::BODY_BYTES_MAX;
use crate::contracts::shopline::path::MatchedPath;
use crate::contracts::shopline::request::{Reading, check_accept, check_content_type};
use crate::domain::claims::SHOPLINE_ID;
use crate::domain::customer::{Command, Customer};
use crate::event_store::{Loaded, Outcome};
use crate::history::refusals;
use crate::http::api::Api;
use crate::http::request::{Envelope, now};
use crate::kafka::projector::Projection;

/// One request of a known app.
pub(super) struct Call<'a> {
    pub(super) api: &'a Api,
    pub(super) id: &'a RequestId,
    pub(super) actor: Actor,
    pub(super) route: String,
    pub(super) headers: &'a HeaderMap,
    pub(super) peer: Option<SocketAddr>,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
}

impl Call<'_> {
    /// Waits for the projection; says by how many positions it is behind, if it still is.
    pub(super) async fn behind(&self) -> Result<Option<i64>, ApiError> {
        Ok(self.api.behind(Projection::Shopline).await?)
    }

    /// Whether the app takes what is answered.
    pub(super) fn check_accept(&self) -> Result<(), ApiError> {
        check_accept(text(self.headers, header::ACCEPT))
    }

    /// What a body is read with.
    pub(super) fn reading(&self, found: &MatchedPath) -> Reading<'_> {
        Reading {
            version: found.version,
            zone: &self.api.store.time_zone,
            now: now(),
        }
    }

    /// The store's own domain.
    pub(super) fn domain(&self) -> String {
        format!("{}.myshopline.com", self.api.shopline.store.handle)
    }

    /// The body, declared as JSON.
    pub(super) async fn body(&self, body: Body) -> Result<Vec<u8>, ApiError> {
        check_content_type(text(self.headers, header::CONTENT_TYPE))?;
        // A body that is cut short is as good as one that is too large: neither is JSON.
        let body = axum::body::to_bytes(body, BODY_BYTES_MAX).await;
        Ok(body.map_err(|_too_large| ApiError::BodyTooLarge)?.to_vec())
    }

    /// A customer as it is now.
    pub(super) async fn shown(&self, id: &ShoplineId) -> Result<view::Customer, ApiError> {
        let customer = self.api.ledger.shopline_customer(id).await?;
        customer.ok_or(ApiError::NoSuchData)
    }

    /// Several customers as they are now, in this order; those that there are not are left out.
    pub(super) async fn all_shown(
        &self,
        ids: &[ShoplineId],
    ) -> Result<Vec<view::Customer>, ApiError> {
        let mut customers = vec![];
        for id in ids.iter().filter(|id| !id.contains('\0')) {
            customers.extend(self.api.ledger.shopline_customer(id).await?);
        }
        Ok(customers)
    }

    /// The stream of a customer's id.
    pub(super) async fn stream(&self, id: &ShoplineId) -> Result<StreamId, ApiError> {
        let stream = self.api.ledger.find(SHOPLINE_ID, id).await?;
        stream.ok_or(ApiError::NoSuchData)
    }

    /// Has the command done, once: the customer as it was right after.
    pub(super) async fn execute(
        &self,
        stream: &StreamId,
        command: Command,
        body: &[u8],
    ) -> Result<Arc<Loaded<Customer>>, ApiError> {
        let ledger = &self.api.ledger;
        let envelope = Envelope {
            actor: self.actor.clone(),
            contract: Contract::Shopline,
            route: &self.route,
            id: self.id,
            headers: self.headers,
        };
        let content = [self.path, self.query, &String::from_utf8_lossy(body)];
        let request = envelope.request(&ledger.keyring, &content, 200)?;
        match ledger.execute::<Customer>(stream, command, &request).await {
            Ok(Outcome::Done(done)) => Ok(done),
            Ok(Outcome::Repeated(first)) => self.as_of(&first.stream, first.sequence).await,
            Err(error) => Err(error.into()),
        }
    }

    /// A customer as it was at a sequence.
    pub(super) async fn as_of(
        &self,
        stream: &StreamId,
        sequence: Sequence,
    ) -> Result<Arc<Loaded<Customer>>, ApiError> {
        let ledger = &self.api.ledger;
        let then = ledger.load_until::<Customer>(stream, sequence).await?;
        if then.is_erased() {
            return Err(ApiError::NoSuchData);
        }
        Ok(Arc::new(then))
    }

    /// Keeps a refusal, so that it can be explained later.
    pub(super) fn keep(&self, refused: &ApiError) {
        self.api.refusals.keep(refusals::Refusal {
            request_id: self.id.clone(),
            actor: self.actor.clone(),
            contract: Contract::Shopline,
            route: self.route.clone(),
            status: refused.status(),
            kind: refused.kind().to_owned(),
            fields: refused.fields(),
        });
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}
