//! People of the merchant's, as Medusa's admin knows them.

use events::ids::StoreName;
use jiff::Timestamp;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgPool, Row as _};

use super::Auth;
use crate::contracts::medusa::user::User;
use crate::event_store::keys::keyring::Keyring;

/// What is read of a person, in the order of [`read`].
const COLUMNS: &str = "user_id, (extract(epoch from created_at) * 1000000)::bigint, \
    (extract(epoch from updated_at) * 1000000)::bigint, role, email, first_name, last_name, \
    api_token_sealed, metadata";

impl Auth {
    /// A person, unless removed.
    pub async fn medusa_user(&self, id: &str) -> Result<Option<User>, sqlx::Error> {
        let sql = format!(
            "select {COLUMNS} from medusa_users \
             where store = $1 and user_id = $2 and deleted_at is null"
        );
        let row = sqlx::query(&sql)
            .bind(&self.store)
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| read(&row, &self.keyring)).transpose()
    }

    /// The id and the password's hash of who has this e-mail.
    pub(super) async fn password_of(
        &self,
        email: &str,
    ) -> Result<Option<(String, String)>, sqlx::Error> {
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
pub async fn all(
    owner: &PgPool,
    keyring: &Keyring,
    store: &StoreName,
) -> Result<Vec<User>, sqlx::Error> {
    let sql = format!(
        "select {COLUMNS} from medusa_users where store = $1 and deleted_at is null \
         order by created_at, user_id"
    );
    let rows = sqlx::query(&sql).bind(store).fetch_all(owner).await?;
    rows.iter().map(|row| read(row, keyring)).collect()
}

/// The place for which a person's api token is sealed.
pub fn api_token_place(user_id: &str) -> String {
    format!("medusa_users/{user_id}")
}

fn read(row: &PgRow, keyring: &Keyring) -> Result<User, sqlx::Error> {
    let id: String = row.try_get(0)?;
    let sealed: Option<Vec<u8>> = row.try_get(7)?;
    let api_token = sealed
        .map(|sealed| keyring.unwrap_secret(&api_token_place(&id), &sealed))
        .transpose()
        .map_err(|error| sqlx::Error::Decode(error.into()))?;
    let metadata: Option<Json<Value>> = row.try_get(8)?;
    Ok(User {
        created_at: timestamp(row.try_get(1)?)?,
        updated_at: timestamp(row.try_get(2)?)?,
        role: row.try_get(3)?,
        email: row.try_get(4)?,
        first_name: row.try_get(5)?,
        last_name: row.try_get(6)?,
        api_token,
        metadata: metadata.map_or(Value::Null, |Json(metadata)| metadata),
        id,
    })
}

/// A time of the database's, in microseconds.
pub(super) fn timestamp(microseconds: i64) -> Result<Timestamp, sqlx::Error> {
    Timestamp::from_microsecond(microseconds).map_err(|error| sqlx::Error::Decode(error.into()))
}
