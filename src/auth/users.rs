//! People of the merchant's, as Medusa's admin knows them.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::PgPool;
use sqlx::types::Json;

use super::Auth;
use crate::contracts::medusa::user::User;
use crate::event_store::keys::keyring::Keyring;

/// The columns of a [`UserRow`].
const COLUMNS: &str = "user_id, created_at, updated_at, role, email, first_name, last_name, \
    api_token_sealed, metadata";

/// A row of `medusa_users`.
#[derive(sqlx::FromRow)]
struct UserRow {
    user_id: String,
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    created_at: Timestamp,
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    updated_at: Timestamp,
    role: String,
    email: String,
    first_name: Option<String>,
    last_name: Option<String>,
    api_token_sealed: Option<Vec<u8>>,
    metadata: Option<Json<Value>>,
}

/// Who has an e-mail, and the hash of the password.
#[derive(sqlx::FromRow)]
pub(super) struct KnownUser {
    pub(super) user_id: String,
    pub(super) password_hash: String,
}

impl Auth {
    /// A person, unless removed.
    pub async fn medusa_user(&self, id: &str) -> Result<Option<User>, sqlx::Error> {
        let sql = format!(
            "select {COLUMNS} from medusa_users \
             where store = $1 and user_id = $2 and deleted_at is null"
        );
        let row: Option<UserRow> = sqlx::query_as(&sql)
            .bind(&self.store)
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| row.open(&self.keyring)).transpose()
    }

    /// Who has this e-mail.
    pub(super) async fn password_of(&self, email: &str) -> Result<Option<KnownUser>, sqlx::Error> {
        sqlx::query_as(
            "select user_id, password_hash from medusa_users \
             where store = $1 and email = $2 and deleted_at is null",
        )
        .bind(&self.store)
        .bind(email)
        .fetch_optional(&self.pool)
        .await
    }

    /// Puts a new hash of the same password in the place of the old one, unless the password was
    /// changed meanwhile.
    pub(super) async fn upgrade(
        &self,
        user_id: &str,
        old: &str,
        new: &str,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "update medusa_users set password_hash = $1 where user_id = $2 and password_hash = $3",
        )
        .bind(new)
        .bind(user_id)
        .bind(old)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// All people of a store, the removed ones not among them, in the order they were added.
pub async fn all(owner: &PgPool, keyring: &Keyring, store: &str) -> Result<Vec<User>, sqlx::Error> {
    let sql = format!(
        "select {COLUMNS} from medusa_users where store = $1 and deleted_at is null \
         order by created_at, user_id"
    );
    let rows: Vec<UserRow> = sqlx::query_as(&sql).bind(store).fetch_all(owner).await?;
    rows.into_iter().map(|row| row.open(keyring)).collect()
}

/// The place for which a person's api token is sealed.
pub fn api_token_place(user_id: &str) -> String {
    format!("medusa_users/{user_id}")
}

impl UserRow {
    fn open(self, keyring: &Keyring) -> Result<User, sqlx::Error> {
        let place = api_token_place(&self.user_id);
        let api_token = self
            .api_token_sealed
            .map(|sealed| keyring.unwrap_secret(&place, &sealed))
            .transpose()
            .map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(User {
            id: self.user_id,
            created_at: self.created_at,
            updated_at: self.updated_at,
            role: self.role,
            email: self.email,
            first_name: self.first_name,
            last_name: self.last_name,
            api_token,
            metadata: self.metadata.map_or(Value::Null, |Json(metadata)| metadata),
        })
    }
}
