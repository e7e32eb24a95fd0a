//! One request whose sender is known, and what the endpoints need of it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::request::Parts;
use events::ids::{MedusaId, RequestId, StreamId, own_ulid};
use events::personal::Personal;
use events::record::{Actor, Contract};
use express::json::Document;

use crate::auth::passwords;
use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::path::Route;
use crate::domain::claims::MEDUSA_ID;
use crate::event_store::Request;
use crate::history::refusals;
use crate::http::api::Api;
use crate::http::request::Envelope;
use crate::kafka::projector::Projection;

/// One request whose sender is known.
pub(super) struct Call<'a> {
    pub(super) api: &'a Api,
    pub(super) id: &'a RequestId,
    pub(super) parts: &'a Parts,
    pub(super) actor: Actor,
}

/// What an endpoint answers when nothing goes wrong.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) body: String,
    /// By how many positions what is shown may be behind, if it is.
    pub(super) behind: Option<i64>,
}

impl Answered {
    pub(super) const fn ok(body: String) -> Self {
        Self {
            status: StatusCode::OK,
            body,
            behind: None,
        }
    }
}

impl Call<'_> {
    pub(super) fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    /// The request as the store is told of it. The document stands for the body: it is what was
    /// understood. `status` is that of a success.
    pub(super) fn request(
        &self,
        route: &str,
        document: &Document,
        status: StatusCode,
    ) -> Result<Request, ApiError> {
        let envelope = Envelope {
            actor: self.actor.clone(),
            contract: Contract::Medusa,
            route,
            id: self.id,
            headers: &self.parts.headers,
        };
        let content = [
            self.parts.uri.path(),
            self.query(),
            &document.value.to_string(),
        ];
        Ok(envelope.request(&self.api.ledger.keyring, &content, status.as_u16())?)
    }

    /// Keeps a refusal, so that it can be explained later.
    pub(super) fn keep(&self, route: &Route<'_>, refused: &ApiError) {
        self.api.refusals.keep(refusals::Refusal {
            request_id: self.id.clone(),
            actor: self.actor.clone(),
            contract: Contract::Medusa,
            route: format!("{} {}", self.parts.method, template(route)),
            status: refused.status(),
            kind: refused.kind().to_owned(),
            fields: refused.fields(),
        });
    }

    /// The stream of an id in Medusa: in the id itself when the ledger made it, else looked up.
    pub(super) async fn stream(
        &self,
        prefix: &str,
        id: &str,
    ) -> Result<Option<StreamId>, ApiError> {
        match own_ulid(prefix, id) {
            Some(ulid) => Ok(Some(ulid.into())),
            None if id.contains('\0') => Ok(None),
            None => Ok(self.api.ledger.find(MEDUSA_ID, id).await?),
        }
    }

    /// The streams of ids in Medusa, as [`Self::stream`] finds them. An unknown id gets a
    /// name that is no stream's, one for each such id, so that the store does not find it.
    pub(super) async fn streams(
        &self,
        prefix: &str,
        asked: &[MedusaId],
    ) -> Result<Vec<StreamId>, ApiError> {
        let foreign: Vec<&str> = asked
            .iter()
            .map(MedusaId::as_str)
            .filter(|id| own_ulid(prefix, id).is_none() && !id.contains('\0'))
            .collect();
        let mut found = HashMap::new();
        if !foreign.is_empty() {
            found = self.api.ledger.find_all(MEDUSA_ID, &foreign).await?;
        }
        let mut nowhere: HashMap<&str, StreamId> = HashMap::new();
        let streams = asked.iter().map(|id| match own_ulid(prefix, id) {
            Some(ulid) => ulid.into(),
            None => found.get(id.as_str()).cloned().unwrap_or_else(|| {
                let next = format!("nowhere {}", nowhere.len()).into();
                nowhere.entry(id).or_insert(next).clone()
            }),
        });
        Ok(streams.collect())
    }

    /// Waits for the projection; says by how many positions it is behind, if it still is.
    pub(super) async fn behind(&self) -> Result<Option<i64>, ApiError> {
        Ok(self.api.behind(Projection::Medusa).await?)
    }

    /// The argon2id hash of a password, made beside the async workers, a few at a time.
    pub(super) async fn hash(
        &self,
        password: Option<&Personal<String>>,
    ) -> Result<Option<String>, ApiError> {
        let Some(password) = password.and_then(Personal::open).cloned() else {
            return Ok(None);
        };
        let permit = Arc::clone(&self.api.hashing)
            .acquire_owned()
            .await
            .map_err(|_closed| ApiError::Unavailable)?;
        let hash = tokio::task::spawn_blocking(move || {
            // The permit is held until the hash is made, also when the request is given up.
            let _permit = permit;
            passwords::hash(&password)
        })
        .await;
        match hash {
            Ok(Ok(hash)) => Ok(Some(hash)),
            Ok(Err(_)) | Err(_) => Err(ApiError::Unknown),
        }
    }
}

/// A path's template: never a value.
const fn template(route: &Route<'_>) -> &'static str {
    match route {
        Route::Customers => "/admin/customers",
        Route::Customer(_) => "/admin/customers/{id}",
        Route::Groups => "/admin/customer-groups",
        Route::Group(_) => "/admin/customer-groups/{id}",
        Route::Members(_) => "/admin/customer-groups/{id}/customers",
        Route::MembersBatch(_) => "/admin/customer-groups/{id}/customers/batch",
        Route::Auth => "/admin/auth",
        Route::AuthToken => "/admin/auth/token",
        Route::Unknown | Route::BadEncoding => "/admin/…",
        Route::NotAdmin => "/…",
    }
}
