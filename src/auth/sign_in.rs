//! Signing in with an e-mail and a password.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Auth;
use crate::auth::passwords::{self, Verdict};
use crate::contracts::medusa::user::User;

/// What came of it.
pub enum SignIn {
    /// It is this person.
    Is(Box<User>),
    /// No person has this e-mail and password.
    Wrong {
        /// Whose account was tried, if there is one.
        user_id: Option<String>,
    },
    /// It was tried too often.
    Throttled {
        /// How long to wait.
        wait: Duration,
    },
}

/// Who wants to sign in.
pub struct Who<'a> {
    /// The e-mail, in lower case.
    pub email: &'a str,
    /// The password.
    pub password: &'a str,
    /// Where the request comes from.
    pub address: IpAddr,
}

impl Auth {
    /// Compares the password with the account's. An unknown e-mail takes the same time and ends the
    /// same way as a wrong password. A hash of Medusa's is made anew when the password is right.
    pub(crate) async fn sign_in(&self, who: Who<'_>) -> Result<SignIn, sqlx::Error> {
        let attempt = match self
            .throttle
            .attempt(who.email, who.address, Instant::now())
        {
            Ok(attempt) => attempt,
            Err(wait) => {
                count("throttled");
                return Ok(SignIn::Throttled { wait });
            }
        };
        let account = if who.email.contains('\0') {
            None
        } else {
            self.password_of(who.email).await?
        };
        let (user_id, stored) = account
            .map(|known| (known.user_id, known.password_hash))
            .unzip();
        match (self.verify(stored.clone(), who.password).await, user_id) {
            (Verdict::Right { upgraded }, Some(user_id)) => {
                attempt.succeeded();
                if let (Some(old), Some(new)) = (stored, upgraded) {
                    self.upgrade(&user_id, &old, &new).await?;
                }
                Ok(match self.medusa_user(&user_id).await? {
                    Some(user) => SignIn::Is(Box::new(user)),
                    None => SignIn::Wrong { user_id: None },
                })
            }
            (Verdict::Right { .. } | Verdict::Wrong, user_id) => {
                count("wrong");
                Ok(SignIn::Wrong { user_id })
            }
        }
    }

    /// Beside the async workers, a few at a time.
    async fn verify(&self, stored: Option<String>, password: &str) -> Verdict {
        let password = password.to_owned();
        let Ok(permit) = Arc::clone(&self.hashing).acquire_owned().await else {
            return Verdict::Wrong;
        };
        tokio::task::spawn_blocking(move || {
            // Also when the request was given up.
            let _permit = permit;
            passwords::verify(stored.as_deref(), &password)
        })
        .await
        .unwrap_or(Verdict::Wrong)
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("ledger_logins_refused", "outcome" => outcome).increment(1);
}
