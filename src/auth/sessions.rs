//! Sessions of Medusa's admin: rows that every process sees, under the HMAC of an id that only the
//! cookie holds. The database's clock says when one is over: the processes' clocks may differ.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use events::record::Actor;
use express::cookie::SignedId;
use jiff::Timestamp;
use rand::RngCore as _;
use subtle::ConstantTimeEq as _;

use super::{Auth, person};

/// How many sessions a person may have: the oldest makes place.
const SESSIONS_MAX: i64 = 20;
/// Bytes of an id. Source: uid-safe, as express-session calls it.
const ID_BYTES: usize = 24;

/// A session that began.
pub struct Session {
    /// Its id, signed, for the cookie.
    pub id: SignedId,
    /// When it ends: ten hours after it began. Source: Medusa's `session_options.ttl`.
    pub expires_at: Timestamp,
}

impl Auth {
    /// The person whose session this is, while it lasts and the person is there. A signature that is
    /// not ours costs no query.
    pub(crate) async fn medusa_session(
        &self,
        session: &SignedId,
    ) -> Result<Option<Actor>, sqlx::Error> {
        if !self.is_signed(session) {
            return Ok(None);
        }
        let user: Option<String> = sqlx::query_scalar(
            "select user_id from medusa_sessions join medusa_users using (user_id) \
             where session = $1 and medusa_sessions.store = $2 and expires_at > now() \
                and deleted_at is null",
        )
        .bind(self.keyring.hash_session(&session.id))
        .bind(&self.store)
        .fetch_optional(&self.pool)
        .await?;
        Ok(user.map(person))
    }

    /// Begins a session; `None` when the person was removed meanwhile. The session that the caller
    /// had is over, so that no person can be made to sign in under an id that another knows.
    pub(crate) async fn begin_session(
        &self,
        user_id: &str,
        had: Option<&SignedId>,
    ) -> Result<Option<Session>, sqlx::Error> {
        let mut bytes = [0; ID_BYTES];
        rand::rng().fill_bytes(&mut bytes);
        let id = URL_SAFE_NO_PAD.encode(bytes);
        let mut transaction = self.pool.begin().await?;
        // The person's sign-ins are one after the other, and none outlives the person.
        let is_there: Option<i32> = sqlx::query_scalar(
            "select 1 from medusa_users \
             where user_id = $1 and store = $2 and deleted_at is null for no key update",
        )
        .bind(user_id)
        .bind(&self.store)
        .fetch_optional(&mut *transaction)
        .await?;
        if is_there.is_none() {
            return Ok(None);
        }
        sqlx::query(
            "delete from medusa_sessions where user_id = $1 and (expires_at <= now() \
                or session in (select session from medusa_sessions where user_id = $1 \
                    order by expires_at desc, session offset $2))",
        )
        .bind(user_id)
        .bind(SESSIONS_MAX - 1)
        .execute(&mut *transaction)
        .await?;
        if let Some(had) = had.filter(|had| self.is_signed(had)) {
            sqlx::query("delete from medusa_sessions where session = $1 and store = $2")
                .bind(self.keyring.hash_session(&had.id))
                .bind(&self.store)
                .execute(&mut *transaction)
                .await?;
        }
        let expires_at: jiff_sqlx::Timestamp = sqlx::query_scalar(
            "insert into medusa_sessions (session, store, user_id, expires_at) \
             values ($1, $2, $3, clock_timestamp() + interval '10 hours') \
             returning expires_at",
        )
        .bind(self.keyring.hash_session(&id))
        .bind(&self.store)
        .bind(user_id)
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let signature = self.keyring.sign_session(&id).to_vec();
        Ok(Some(Session {
            id: SignedId { id, signature },
            expires_at: expires_at.to_jiff(),
        }))
    }

    /// Ends a session, if it is one.
    pub(crate) async fn end_session(&self, session: &SignedId) -> Result<(), sqlx::Error> {
        if !self.is_signed(session) {
            return Ok(());
        }
        sqlx::query("delete from medusa_sessions where session = $1 and store = $2")
            .bind(self.keyring.hash_session(&session.id))
            .bind(&self.store)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Deletes the sessions that are over.
    pub(crate) async fn forget_sessions(&self) -> Result<(), sqlx::Error> {
        sqlx::query("delete from medusa_sessions where expires_at <= now()")
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    fn is_signed(&self, session: &SignedId) -> bool {
        let ours = self.keyring.sign_session(&session.id);
        ours.ct_eq(&session.signature).into()
    }
}
