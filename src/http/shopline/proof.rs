//! Which app asks, by what the request proves, and whether it asks too often.

use std::sync::Arc;

use axum::http::{HeaderMap, header};

use crate::auth::InstalledApp;
use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::token;
use crate::http::api::Api;
use crate::http::limiter::NotAdmitted;
use crate::http::request::now;

/// An app that is let in.
pub(super) struct App {
    pub(super) app_key: String,
    pub(super) installed: Arc<InstalledApp>,
}

/// Lets an app in by its access token.
pub(super) async fn authenticate(api: &Api, headers: &HeaderMap) -> Result<App, ApiError> {
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let secret = api.shopline.jwt_secret.0.as_bytes();
    let claims = token::verify(secret, authorization, now())?;
    claims.check_store(&api.shopline.store.handle, &api.shopline.store.store_id)?;
    let installed = api.auth.shopline_app(&claims.app_key).await?;
    // A token of an app that is no longer installed opens nothing.
    let installed = installed.ok_or(token::Unauthorized::NotInstalled)?;
    claims.check_made_since(installed.tokens_since)?;
    Ok(App {
        app_key: claims.app_key,
        installed,
    })
}

/// Counts the request against the rate of the app.
pub(super) async fn admit(api: &Api, app_key: &str) -> Result<(), ApiError> {
    match api.limiter.admit(app_key).await {
        Ok(()) => Ok(()),
        Err(NotAdmitted::TooOften) => {
            metrics::counter!("ledger_apps_limited").increment(1);
            Err(ApiError::TooManyRequests)
        }
        Err(NotAdmitted::Database(error)) => Err(error.into()),
        Err(NotAdmitted::Away) => Err(ApiError::Unavailable),
    }
}
