//! Grants access: people of Medusa's, apps of SHOPLINE's, tokens of the ledger's own API. As the
//! owner of the database.
//!
//! Only hashes are stored. A token that is made here is shown once, to whoever asked for it.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, SaltString, rand_core::OsRng};
use jiff::{SignedDuration, Timestamp};
use rand::RngCore as _;
use sqlx::PgPool;
use ulid::Ulid;

use crate::contracts::shopline::token::{Claims, sign};
use crate::event_store::keyring::Keyring;

/// How long a token of an app lives, as those that SHOPLINE's own admin page makes: three years.
pub const APP_TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(1095 * 24);

/// A person of the merchant's.
pub struct Person<'a> {
    /// E-mail, unique in the store.
    pub email: &'a str,
    /// First name.
    pub first_name: &'a str,
    /// Last name.
    pub last_name: &'a str,
    /// Medusa's role: `admin`, `member` or `developer`.
    pub role: &'a str,
    /// Password for signing in.
    pub password: &'a str,
    /// The api token.
    pub api_token: &'a str,
}

/// Adds a person, or gives one a new password and api token.
pub async fn add_person(
    owner: &PgPool,
    keyring: &Keyring,
    store: &str,
    person: &Person<'_>,
) -> Result<(), sqlx::Error> {
    let salt = SaltString::generate(&mut OsRng);
    let hash = Argon2::default()
        .hash_password(person.password.as_bytes(), &salt)
        .map_err(|error| sqlx::Error::Encode(error.to_string().into()))?;
    sqlx::query(
        "insert into medusa_users \
            (user_id, store, email, first_name, last_name, role, password_hash, api_token) \
         values ($1, $2, $3, $4, $5, $6, $7, $8) \
         on conflict (store, email) do update set first_name = excluded.first_name, \
            last_name = excluded.last_name, role = excluded.role, \
            password_hash = excluded.password_hash, api_token = excluded.api_token",
    )
    .bind(format!("usr_{}", Ulid::new()))
    .bind(store)
    .bind(person.email)
    .bind(person.first_name)
    .bind(person.last_name)
    .bind(person.role)
    .bind(hash.to_string())
    .bind(keyring.hash_token(person.api_token))
    .execute(owner)
    .await?;
    Ok(())
}

/// An app of SHOPLINE's.
pub struct App<'a> {
    /// Its key: 40 hexadecimal digits where SHOPLINE made it.
    pub key: &'a str,
    /// Its secret: signs OAuth and webhooks.
    pub secret: &'a str,
    /// What it may do.
    pub scopes: &'a [String],
}

/// Adds an app, or changes its secret and scopes.
pub async fn add_app(
    owner: &PgPool,
    keyring: &Keyring,
    store: &str,
    app: &App<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into shopline_apps (app_key, store, secret, scopes) values ($1, $2, $3, $4) \
         on conflict (app_key) do update set store = excluded.store, secret = excluded.secret, \
            scopes = excluded.scopes, revoked_at = null",
    )
    .bind(app.key)
    .bind(store)
    .bind(keyring.wrap_secret("shopline_apps", app.secret))
    .bind(app.scopes)
    .execute(owner)
    .await?;
    Ok(())
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

/// Adds a token of the ledger's own API, or gives its name another token and other scopes.
pub async fn add_ledger_token(
    owner: &PgPool,
    keyring: &Keyring,
    store: &str,
    name: &str,
    token: &str,
    scopes: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into ledger_tokens (token, store, name, scopes) values ($1, $2, $3, $4) \
         on conflict (name) do update set token = excluded.token, store = excluded.store, \
            scopes = excluded.scopes",
    )
    .bind(keyring.hash_token(token))
    .bind(store)
    .bind(name)
    .bind(scopes)
    .execute(owner)
    .await?;
    Ok(())
}

/// A new secret: 64 hexadecimal digits.
pub fn new_secret() -> String {
    let mut secret = [0; 32];
    rand::rng().fill_bytes(&mut secret);
    hex::encode(secret)
}
