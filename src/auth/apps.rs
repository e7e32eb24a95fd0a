//! Apps of SHOPLINE's: installed, revoked, and given tokens, by the owner of the database.
//!
//! The secret of an app is stored sealed. One that is made here is shown once.

use events::ids::StoreName;
use jiff::{SignedDuration, Timestamp};
use rand::RngCore as _;
use sqlx::PgPool;

use super::tokens::new_secret;
use crate::contracts::shopline::rate::Plan;
use crate::contracts::shopline::token::{Claims, sign};
use crate::event_store::keys::keyring::Keyring;

/// How long a token of an app lives, as those that SHOPLINE's own admin page makes: three years.
pub const APP_TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(1095 * 24);

/// Where secrets of apps are sealed for.
pub(crate) const APP_SECRETS: &str = "shopline_apps";

/// An app of SHOPLINE's.
pub struct App<'a> {
    /// Its key: 40 hexadecimal digits where SHOPLINE made it.
    pub key: &'a str,
    /// Its secret: signs OAuth and webhooks. Without one an app keeps its own, and a new app gets a
    /// new one.
    pub secret: Option<&'a str>,
    /// What it may do.
    pub scopes: &'a [String],
    /// How often it may ask.
    pub plan: Plan,
}

/// An app as it is listed. Its secret is not shown.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ListedApp {
    /// Its key.
    pub app_key: String,
    /// Its plan.
    pub plan: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Whether it was revoked.
    pub is_revoked: bool,
}

/// Adds an app, or changes it; gives the secret if a new one was made. A revoked app is installed
/// again, but the tokens from before open nothing more.
pub async fn add_app(
    owner: &PgPool,
    keyring: &Keyring,
    store: &StoreName,
    app: &App<'_>,
) -> Result<Option<String>, sqlx::Error> {
    let made = new_secret();
    let is_new: bool = sqlx::query_scalar(
        "insert into shopline_apps as known (app_key, store, secret, scopes, plan) \
         values ($1, $2, $3, $4, $5) \
         on conflict (app_key) do update set store = excluded.store, \
            secret = case when $6 then excluded.secret else known.secret end, \
            scopes = excluded.scopes, plan = excluded.plan, \
            tokens_since = coalesce(known.revoked_at, known.tokens_since), revoked_at = null \
         returning xmax = 0",
    )
    .bind(app.key)
    .bind(store)
    .bind(keyring.wrap_secret(APP_SECRETS, app.secret.unwrap_or(&made)))
    .bind(app.scopes)
    .bind(app.plan.name())
    .bind(app.secret.is_some())
    .fetch_one(owner)
    .await?;
    Ok((is_new && app.secret.is_none()).then_some(made))
}

/// All apps, revoked ones too, in the order of their keys.
pub(crate) async fn list_apps(
    owner: &PgPool,
    store: &StoreName,
) -> Result<Vec<ListedApp>, sqlx::Error> {
    sqlx::query_as(
        "select app_key, plan, scopes, revoked_at is not null as is_revoked \
         from shopline_apps where store = $1 order by app_key",
    )
    .bind(store)
    .fetch_all(owner)
    .await
}

/// Whether an app is installed.
pub(crate) async fn has_app(
    owner: &PgPool,
    store: &StoreName,
    key: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "select exists (select from shopline_apps \
         where store = $1 and app_key = $2 and revoked_at is null)",
    )
    .bind(store)
    .bind(key)
    .fetch_one(owner)
    .await
}

/// Revokes an app, whose tokens then open nothing; says whether it was installed.
pub(crate) async fn revoke_app(
    owner: &PgPool,
    store: &StoreName,
    key: &str,
) -> Result<bool, sqlx::Error> {
    let revoked = sqlx::query(
        "update shopline_apps set revoked_at = now() \
         where store = $1 and app_key = $2 and revoked_at is null",
    )
    .bind(store)
    .bind(key)
    .execute(owner)
    .await?;
    Ok(revoked.rows_affected() > 0)
}

/// Gives an installed app another secret; says whether there is such an app. Its tokens are signed
/// with the ledger's own secret, and go on.
pub(crate) async fn rotate_app(
    owner: &PgPool,
    keyring: &Keyring,
    store: &StoreName,
    key: &str,
    secret: &str,
) -> Result<bool, sqlx::Error> {
    let rotated = sqlx::query(
        "update shopline_apps set secret = $3 \
         where store = $1 and app_key = $2 and revoked_at is null",
    )
    .bind(store)
    .bind(key)
    .bind(keyring.wrap_secret(APP_SECRETS, secret))
    .execute(owner)
    .await?;
    Ok(rotated.rows_affected() > 0)
}

/// A token of an app for a store, signed with `SHOPLINE_JWT_SECRET`.
pub fn app_token(
    secret: &str,
    app_key: &str,
    handle: &str,
    store_id: &str,
    now: Timestamp,
    life: SignedDuration,
) -> String {
    let claims = Claims {
        app_key: app_key.to_owned(),
        seller_id: "2000000001".to_owned(),
        store_id: store_id.to_owned(),
        version: "V2".to_owned(),
        domain: format!("https://{handle}.myshopline.com"),
        timestamp: now.as_millisecond(),
        iss: "ledger".to_owned(),
        exp: (now + life).as_second(),
    };
    sign(secret.as_bytes(), &claims)
}

/// A new key of an app: 40 hexadecimal digits, as SHOPLINE's.
pub(crate) fn new_app_key() -> String {
    let mut key = [0; 20];
    rand::rng().fill_bytes(&mut key);
    hex::encode(key)
}
