//! People of the merchant's, as Medusa's admin knows them: read, added and removed.
//!
//! A password is stored as a hash. An api token is stored as a hash and sealed, because the contract
//! shows it. Who adds and removes people is the owner of the database.

use events::ids::StoreName;
use jiff::Timestamp;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use ulid::Ulid;

use super::Auth;
use super::passwords::{self, Verdict, verify};
use crate::contracts::medusa::email::lower_case;
use crate::contracts::medusa::user::User;
use crate::event_store::keys::keyring::Keyring;

/// The columns of a [`UserRow`].
const COLUMNS: &str = "user_id, created_at, updated_at, role, email, first_name, last_name, \
    api_token_sealed, metadata";

impl Auth {
    /// A person, unless removed.
    pub(crate) async fn medusa_user(&self, id: &str) -> Result<Option<User>, sqlx::Error> {
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
pub async fn all(
    owner: &PgPool,
    keyring: &Keyring,
    store: &StoreName,
) -> Result<Vec<User>, sqlx::Error> {
    let sql = format!(
        "select {COLUMNS} from medusa_users where store = $1 and deleted_at is null \
         order by created_at, user_id"
    );
    let rows: Vec<UserRow> = sqlx::query_as(&sql).bind(store).fetch_all(owner).await?;
    rows.into_iter().map(|row| row.open(keyring)).collect()
}

/// The place for which a person's api token is sealed.
pub(crate) fn api_token_place(user_id: &str) -> String {
    format!("medusa_users/{user_id}")
}

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

/// The id and the password's hash of who has an e-mail.
#[derive(sqlx::FromRow)]
pub(super) struct KnownUser {
    pub(super) user_id: String,
    pub(super) password_hash: String,
}

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
pub(crate) async fn add_user(
    owner: &PgPool,
    keyring: &Keyring,
    store: &StoreName,
    user: &NewUser<'_>,
) -> Result<String, sqlx::Error> {
    let email = lower_case(user.email);
    let mut transaction = owner.begin().await?;
    let known: Option<KnownUser> = sqlx::query_as(
        "select user_id, password_hash from medusa_users \
         where store = $1 and email = $2 and deleted_at is null for update",
    )
    .bind(store)
    .bind(&email)
    .fetch_optional(&mut *transaction)
    .await?;
    let (known, stored) = known
        .map(|known| (known.user_id, known.password_hash))
        .unzip();
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
    save(&mut transaction, keyring, store, &id, user, &hash).await?;
    if !is_kept {
        end_sessions(&mut transaction, &id).await?;
    }
    transaction.commit().await?;
    Ok(id)
}

/// Writes the row of a person, new or known.
async fn save(
    connection: &mut PgConnection,
    keyring: &Keyring,
    store: &StoreName,
    id: &str,
    user: &NewUser<'_>,
    hash: &str,
) -> Result<(), sqlx::Error> {
    let place = api_token_place(id);
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
    .bind(id)
    .bind(store)
    .bind(lower_case(user.email))
    .bind(user.first_name)
    .bind(user.last_name)
    .bind(user.role)
    .bind(hash)
    .bind(user.api_token.map(|token| keyring.hash_token(token)))
    .bind(
        user.api_token
            .map(|token| keyring.wrap_secret(&place, token)),
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Removes a person, whose proofs then open nothing; gives the id, if there was one. A bearer token
/// goes on until its day is over, as Medusa's does. The e-mail is free again.
pub(crate) async fn remove_user(
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
