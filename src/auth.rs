//! Who asks: looks up what a request proves, and finds an [`Actor`] or none.
//!
//! What was found of a token is remembered for [`REMEMBERED`]: a revoked one works at most that much
//! longer. Sessions are not remembered: one that was ended is over at every process.

pub mod apps;
pub mod passwords;
pub mod people;
mod sessions;
mod sign_in;
mod throttle;
pub mod tokens;

pub use self::sessions::Session;
pub use self::sign_in::{SignIn, Who};

use std::sync::Arc;
use std::time::Duration;

use events::ids::StoreName;
use events::record::{Actor, ActorKind};
use jiff::{Timestamp, Unit};
use moka::sync::Cache;
use sqlx::PgPool;
use tokio::sync::Semaphore;

use self::throttle::Throttle;
use crate::config::Secret;
use crate::contracts::medusa::bearer;
use crate::contracts::shopline::rate::Plan;
use crate::contracts::shopline::token::Scope;
use crate::event_store::keys::keyring::Keyring;

/// How long an answer of the database about a proof is believed.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(2);
/// How many proofs are remembered.
const REMEMBERED_MAX: u64 = 10_000;

/// Looks proofs up.
pub struct Auth {
    pool: PgPool,
    keyring: Arc<Keyring>,
    store: StoreName,
    bearer_secret: Vec<u8>,
    hashing: Arc<Semaphore>,
    throttle: Throttle,
    medusa_tokens: Cache<[u8; 32], Option<Actor>>,
    shopline_apps: Cache<String, Option<Arc<InstalledApp>>>,
    ledger_tokens: Cache<[u8; 32], Option<Arc<LedgerToken>>>,
}

/// An app of SHOPLINE's that may ask.
#[derive(Clone, Debug)]
pub struct InstalledApp {
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// How often.
    pub plan: Plan,
    /// Tokens made before open nothing.
    pub tokens_since: Option<Timestamp>,
}

/// A token of the ledger's own API.
#[derive(Clone, Debug)]
pub struct LedgerToken {
    /// Who holds it.
    pub actor: Actor,
    /// What it may do, e.g. `ledger:read`.
    pub scopes: Vec<String>,
}

impl Auth {
    /// Proofs for one store. `bearer_secret` signs bearer tokens; without one a key of the keyring
    /// does. `hashing` bounds how many passwords are hashed at a time.
    pub fn new(
        pool: PgPool,
        keyring: Arc<Keyring>,
        store: StoreName,
        bearer_secret: Option<&Secret>,
        hashing: Arc<Semaphore>,
    ) -> Self {
        let bearer_secret = bearer_secret.map_or_else(
            || keyring.bearer_secret().to_vec(),
            |secret| secret.0.clone().into_bytes(),
        );
        Self {
            pool,
            keyring,
            store,
            bearer_secret,
            hashing,
            throttle: Throttle::new(),
            medusa_tokens: remember(),
            shopline_apps: remember(),
            ledger_tokens: remember(),
        }
    }

    /// The person whose api token this is. Source: Medusa's header `x-medusa-access-token`.
    pub(crate) async fn medusa_api_token(&self, token: &str) -> Result<Option<Actor>, sqlx::Error> {
        if token.is_empty() {
            return Ok(None);
        }
        let hash = self.keyring.hash_token(token);
        if let Some(known) = self.medusa_tokens.get(&hash) {
            return Ok(known);
        }
        let user: Option<String> = sqlx::query_scalar(
            "select user_id from medusa_users \
             where store = $1 and api_token = $2 and deleted_at is null",
        )
        .bind(&self.store)
        .bind(hash)
        .fetch_optional(&self.pool)
        .await?;
        let actor = user.map(person);
        self.medusa_tokens.insert(hash, actor.clone());
        Ok(actor)
    }

    /// The person that a bearer token of Medusa's names. Nothing is looked up: the signature suffices.
    pub(crate) fn medusa_bearer(&self, authorization: &str, now: Timestamp) -> Option<Actor> {
        bearer::verify(&self.bearer_secret, authorization, now).map(person)
    }

    /// A new bearer token of Medusa's for a person.
    pub(crate) fn new_medusa_bearer(&self, user_id: &str, now: Timestamp) -> String {
        bearer::sign(&self.bearer_secret, user_id, now)
    }

    /// An app of this store; `None` when it is not installed, or no more.
    pub(crate) async fn shopline_app(
        &self,
        app: &str,
    ) -> Result<Option<Arc<InstalledApp>>, sqlx::Error> {
        if let Some(known) = self.shopline_apps.get(app) {
            return Ok(known);
        }
        let row: Option<AppRow> = sqlx::query_as(
            "select scopes, plan, tokens_since from shopline_apps \
             where store = $1 and app_key = $2 and revoked_at is null",
        )
        .bind(&self.store)
        .bind(app)
        .fetch_optional(&self.pool)
        .await?;
        let installed = row.map(|row| {
            Arc::new(InstalledApp {
                scopes: Scope::parse_list(&row.scopes.join(",")),
                // A plan that a later version knows is no reason to let anything through.
                plan: Plan::of(&row.plan).unwrap_or_default(),
                tokens_since: row.tokens_since.and_then(|since| whole_ms(since.to_jiff())),
            })
        });
        let remembered = installed.clone();
        self.shopline_apps.insert(app.to_owned(), remembered);
        Ok(installed)
    }

    /// The ledger token of this text.
    pub(crate) async fn ledger_token(
        &self,
        token: &str,
    ) -> Result<Option<Arc<LedgerToken>>, sqlx::Error> {
        let hash = self.keyring.hash_token(token);
        if let Some(known) = self.ledger_tokens.get(&hash) {
            return Ok(known);
        }
        let row: Option<TokenRow> = sqlx::query_as(
            "select name, scopes from ledger_tokens where store = $1 and token = $2",
        )
        .bind(&self.store)
        .bind(hash)
        .fetch_optional(&self.pool)
        .await?;
        let token = row.map(|row| {
            let actor = Actor {
                kind: ActorKind::ApiKey,
                id: row.name,
            };
            Arc::new(LedgerToken {
                actor,
                scopes: row.scopes,
            })
        });
        self.ledger_tokens.insert(hash, token.clone());
        Ok(token)
    }
}

/// A row of `shopline_apps`.
#[derive(sqlx::FromRow)]
struct AppRow {
    scopes: Vec<String>,
    plan: String,
    tokens_since: Option<jiff_sqlx::Timestamp>,
}

/// A row of `ledger_tokens`.
#[derive(sqlx::FromRow)]
struct TokenRow {
    name: String,
    scopes: Vec<String>,
}

/// A time to the millisecond, as tokens tell it, rounded as Postgres rounds it.
fn whole_ms(time: Timestamp) -> Option<Timestamp> {
    time.round(Unit::Millisecond).ok()
}

/// A person of the merchant's.
fn person(id: String) -> Actor {
    Actor {
        kind: ActorKind::Person,
        id,
    }
}

fn remember<K, V>() -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder()
        .max_capacity(REMEMBERED_MAX)
        .time_to_live(REMEMBERED)
        .build()
}
