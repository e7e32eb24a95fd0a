//! Who asks: proofs looked up, each an [`Actor`] or nobody.
//!
//! What was found is remembered for [`REMEMBERED`]: a revoked proof works at most that much longer.

use std::sync::Arc;
use std::time::Duration;

use events::record::{Actor, ActorKind};
use moka::sync::Cache;
use sqlx::{PgPool, Row as _};

use crate::contracts::shopline::token::Scope;
use crate::event_store::keyring::Keyring;

/// How long an answer of the database about a proof is believed.
pub const REMEMBERED: Duration = Duration::from_secs(2);
/// How many proofs are remembered.
const REMEMBERED_MAX: u64 = 10_000;

/// Looks proofs up.
pub struct Auth {
    pool: PgPool,
    keyring: Arc<Keyring>,
    store: String,
    medusa_tokens: Cache<[u8; 32], Option<Actor>>,
    shopline_apps: Cache<String, Option<Arc<[Scope]>>>,
    ledger_tokens: Cache<[u8; 32], Option<Arc<LedgerToken>>>,
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
    /// Proofs for one store.
    pub fn new(pool: PgPool, keyring: Arc<Keyring>, store: String) -> Self {
        Self {
            pool,
            keyring,
            store,
            medusa_tokens: remember(),
            shopline_apps: remember(),
            ledger_tokens: remember(),
        }
    }

    /// The person whose api token this is. Source: Medusa's header `x-medusa-access-token`.
    pub async fn medusa_api_token(&self, token: &str) -> Result<Option<Actor>, sqlx::Error> {
        if token.is_empty() {
            return Ok(None);
        }
        let hash = self.keyring.hash_token(token);
        if let Some(known) = self.medusa_tokens.get(&hash) {
            return Ok(known);
        }
        let user: Option<String> = sqlx::query_scalar(
            "select user_id from medusa_users where store = $1 and api_token = $2",
        )
        .bind(&self.store)
        .bind(hash)
        .fetch_optional(&self.pool)
        .await?;
        let actor = user.map(|id| Actor {
            kind: ActorKind::Person,
            id,
        });
        self.medusa_tokens.insert(hash, actor.clone());
        Ok(actor)
    }

    /// What an app may do in this store; `None` when it is not installed, or no more.
    pub async fn shopline_app(&self, app: &str) -> Result<Option<Arc<[Scope]>>, sqlx::Error> {
        if let Some(known) = self.shopline_apps.get(app) {
            return Ok(known);
        }
        let names: Option<Vec<String>> = sqlx::query_scalar(
            "select scopes from shopline_apps \
             where store = $1 and app_key = $2 and revoked_at is null",
        )
        .bind(&self.store)
        .bind(app)
        .fetch_optional(&self.pool)
        .await?;
        let scopes = names.map(|names| Scope::parse_list(&names.join(",")).into());
        self.shopline_apps.insert(app.to_owned(), scopes.clone());
        Ok(scopes)
    }

    /// The ledger token of this text.
    pub async fn ledger_token(&self, token: &str) -> Result<Option<Arc<LedgerToken>>, sqlx::Error> {
        let hash = self.keyring.hash_token(token);
        if let Some(known) = self.ledger_tokens.get(&hash) {
            return Ok(known);
        }
        let row =
            sqlx::query("select name, scopes from ledger_tokens where store = $1 and token = $2")
                .bind(&self.store)
                .bind(hash)
                .fetch_optional(&self.pool)
                .await?;
        let token = row
            .map(|row| {
                let actor = Actor {
                    kind: ActorKind::ApiKey,
                    id: row.try_get(0)?,
                };
                Ok::<_, sqlx::Error>(Arc::new(LedgerToken {
                    actor,
                    scopes: row.try_get(1)?,
                }))
            })
            .transpose()?;
        self.ledger_tokens.insert(hash, token.clone());
        Ok(token)
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
