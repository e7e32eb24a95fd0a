//! Tokens of the ledger's own API, given by the owner of the database.
//!
//! A token is stored as a hash. One that is made here is shown once.

use events::ids::StoreName;
use rand::RngCore as _;
use sqlx::PgPool;

use crate::event_store::keys::keyring::Keyring;

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

/// A new secret: 64 hexadecimal digits.
pub fn new_secret() -> String {
    let mut secret = [0; 32];
    rand::rng().fill_bytes(&mut secret);
    hex::encode(secret)
}
