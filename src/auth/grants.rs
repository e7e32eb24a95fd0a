//! Grants access: people of Medusa's, apps of SHOPLINE's, tokens of the ledger's own API. As the
//! owner of the database.
//!
//! Passwords and tokens are stored as hashes; an api token of Medusa's also sealed, because the
//! contract shows it. A token that is made here is shown once, to whoever asked for it.

use events::ids::StoreName;
use jiff::{SignedDuration, Timestamp};
use rand::RngCore as _;
use sqlx::{PgConnection, PgPool};
use ulid::Ulid;

use crate::auth::passwords::{self, Verdict, verify};
use crate::auth::users::api_token_place;
use crate::contracts::medusa::email::lower_case;
use crate::contracts::shopline::rate::Plan;
use crate::contracts::shopline::token::{Claims, sign};
use crate::event_store::keys::keyring::Keyring;

/// How long a token of an app lives, as those that SHOPLINE's own admin page makes: three years.
pub const APP_TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(1095 * 24);

/// Where secrets of apps are sealed for.
pub const APP_SECRETS: &str = "shopline_apps";

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

/// Adds a person, or gives one other names, another password and another api token. A password that
/// is the same keeps its hash, and its sessions.
pub async fn add_person(
    owner: &PgPool,
    keyring: &Keyring,
    store: &StoreName,
    person: &Person<'_>,
) -> Result<(), sqlx::Error> {
    let user = NewUser {
        id: None,
        email: person.email,
        first_name: person.first_name,
        last_name: person.last_name,
        role: person.role,
        password: Password::Plain(person.password),
        api_token: Some(person.api_token),
    };
    add_user(owner, keyring, store, &user).await.map(drop)
}

/// A person to add, whose password may come from Medusa.
pub struct NewUser<'a> {
    /// The id that Medusa gave it; else a new one.
    pub id: Option<&'a str>,
    /// E-mail, unique in the store; stored in lower case.
    pub email: &'a str,
    /// First name.
    pub first_name: &'a str,
    /// Last name.
    pub last_name: &'a str,
    /// Medusa's role.
    pub role: &'a str,
    /// Password.
    pub password: Password<'a>,
    /// The api token, if there is to be one.
    pub api_token: Option<&'a str>,
}

/// A password as it is known.
pub enum Password<'a> {
    /// Itself.
    Plain(&'a str),
    /// A hash that [`passwords::is_hash`] takes.
    Hash(&'a str),
}

/// Adds a person, or changes the one who has this e-mail; gives the id. With another password the
/// sessions are over.
pub async fn add_user(
    owner: &PgPool,
    keyring: &Keyring,
    store: &StoreName,
    user: &NewUser<'_>,
) -> Result<String, sqlx::Error> {
    let email = lower_case(user.email);
    let mut transaction = owner.begin().await?;
    let known: Option<(String, String)> = sqlx::query_as(
        "select user_id, password_hash from medusa_users \
         where store = $1 and email = $2 and deleted_at is null for update",
    )
    .bind(store)
    .bind(&email)
    .fetch_optional(&mut *transaction)
    .await?;
    let (known, stored) = known.unzip();
    let is_kept = match user.password {
        Password::Plain(plain) => verify(stored.as_deref(), plain) != Verdict::Wrong,
        Password::Hash(hash) => stored.as_deref() == Some(hash),
    };
    let hash = match (stored, user.password.hash()?) {
        (Some(stored), _) if is_kept => stored,
        (Some(_) | None, hash) => hash,
    };
    let id = known.unwrap_or_else(|| {
        user.id
            .map_or_else(|| format!("usr_{}", Ulid::new()), ToOwned::to_owned)
    });
    let place = api_token_place(&id);
    sqlx::query(
        "insert into medusa_users as known \
            (user_id, store, email, first_name, last_name, role, password_hash, api_token, \
             api_token_sealed) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         on conflict (store, email) where deleted_at is null do update \
            set first_name = excluded.first_name, last_name = excluded.last_name, \
            role = excluded.role, password_hash = excluded.password_hash, \
            api_token = excluded.api_token, api_token_sealed = excluded.api_token_sealed, \
            updated_at = case when \
                (known.first_name, known.last_name, known.role, known.password_hash, \
                 known.api_token) is distinct from \
                (excluded.first_name, excluded.last_name, excluded.role, excluded.password_hash, \
                 excluded.api_token) then now() else known.updated_at end",
    )
    .bind(&id)
    .bind(store)
    .bind(&email)
    .bind(user.first_name)
    .bind(user.last_name)
    .bind(user.role)
    .bind(hash)
    .bind(user.api_token.map(|token| keyring.hash_token(token)))
    .bind(
        user.api_token
            .map(|token| keyring.wrap_secret(&place, token)),
    )
    .execute(&mut *transaction)
    .await?;
    if !is_kept {
        end_sessions(&mut transaction, &id).await?;
    }
    transaction.commit().await?;
    Ok(id)
}

/// Removes a person, whose proofs then open nothing; gives the id, if there was one. A bearer token
/// goes on until its day is over, as Medusa's does. The e-mail is free again.
pub async fn remove_user(
    owner: &PgPool,
    store: &StoreName,
    email: &str,
) -> Result<Option<String>, sqlx::Error> {
    let mut transaction = owner.begin().await?;
    let removed: Option<String> = sqlx::query_scalar(
        "update medusa_users \
         set deleted_at = now(), updated_at = now(), api_token = null, api_token_sealed = null \
         where store = $1 and email = $2 and deleted_at is null returning user_id",
    )
    .bind(store)
    .bind(lower_case(email))
    .fetch_optional(&mut *transaction)
    .await?;
    if let Some(id) = &removed {
        end_sessions(&mut transaction, id).await?;
    }
    transaction.commit().await?;
    Ok(removed)
}

async fn end_sessions(connection: &mut PgConnection, user_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query("delete from medusa_sessions where user_id = $1")
        .bind(user_id)
        .execute(connection)
        .await?;
    Ok(())
}

impl Password<'_> {
    fn hash(&self) -> Result<String, sqlx::Error> {
        match self {
            Self::Plain(plain) => {
                passwords::hash(plain).map_err(|error| sqlx::Error::Encode(error.into()))
            }
            Self::Hash(hash) => Ok((*hash).to_owned()),
        }
    }
}

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

/// An app as it is listed. Its secret is shown to nobody.
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
pub async fn list_apps(owner: &PgPool, store: &StoreName) -> Result<Vec<ListedApp>, sqlx::Error> {
    sqlx::query_as(
        "select app_key, plan, scopes, revoked_at is not null as is_revoked \
         from shopline_apps where store = $1 order by app_key",
    )
    .bind(store)
    .fetch_all(owner)
    .await
}

/// Whether an app is installed.
pub async fn has_app(owner: &PgPool, store: &StoreName, key: &str) -> Result<bool, sqlx::Error> {
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
pub async fn revoke_app(owner: &PgPool, store: &StoreName, key: &str) -> Result<bool, sqlx::Error> {
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
pub async fn rotate_app(
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

/// Adds a token of the ledger's own API, or gives its name another token and other scopes.
pub async fn add_ledger_token(
    owner: &PgPool,
    keyring: &Keyring,
    store: &StoreName,
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

/// A new key of an app: 40 hexadecimal digits, as SHOPLINE's.
pub fn new_app_key() -> String {
    let mut key = [0; 20];
    rand::rng().fill_bytes(&mut key);
    hex::encode(key)
}

/// A new secret: 64 hexadecimal digits.
pub fn new_secret() -> String {
    let mut secret = [0; 32];
    rand::rng().fill_bytes(&mut secret);
    hex::encode(secret)
}
