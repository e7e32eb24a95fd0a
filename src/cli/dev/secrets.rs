//! The demo store's secrets: those given are used, the others are made once and kept.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::{DEMO_APPS, Error, write_private};
use crate::auth::apps::{APP_TOKEN_LIFE, app_token};
use crate::auth::tokens::new_secret;
use crate::config::ShoplineStore;
use crate::config::dev::DemoSecrets;
use crate::contracts::shopline::token;

/// The file they are kept in, beside the data, mode 0600.
const FILE: &str = "secrets.env";

/// All secrets of the demo store.
pub(super) struct Secrets {
    all: BTreeMap<&'static str, String>,
    /// The app that each signed token names.
    apps: BTreeMap<&'static str, String>,
    /// What is kept for the next start.
    kept: String,
}

impl Secrets {
    /// Reads what was kept, puts what was given above it, and makes the rest.
    pub(super) fn load_or_make(
        data: &Path,
        given: &DemoSecrets,
        store: &ShoplineStore,
    ) -> Result<Self, Error> {
        let path = data.join(FILE);
        let fails = |error: &io::Error| Error::Data {
            path: path.clone(),
            reason: error.to_string(),
        };
        let kept = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(fails(&error)),
        };
        let mut kept: BTreeMap<&str, String> = kept
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name, value.to_owned()))
            .collect();
        let mut all = BTreeMap::new();
        for (name, given) in given.drawn() {
            let made = || kept.entry(name).or_insert_with(new_secret).clone();
            all.insert(name, given.map_or_else(made, |given| given.0.clone()));
        }
        let store = Store {
            handle: store.handle.clone(),
            id: store.store_id.clone(),
            secret: all.get("SHOPLINE_JWT_SECRET").cloned().unwrap_or_default(),
        };
        let mut apps = BTreeMap::new();
        for ((name, given), (app, _)) in given.signed().into_iter().zip(DEMO_APPS) {
            let token = match given {
                // One that was given has to open something.
                Some(given) => {
                    store.app(&given.0).ok_or(Error::Token(name))?;
                    given.0.clone()
                }
                // One that was kept may be over, or of another secret.
                None => match kept.remove(name).filter(|kept| store.app(kept).is_some()) {
                    Some(kept) => kept,
                    None => store.sign(app),
                },
            };
            apps.insert(name, store.app(&token).unwrap_or_default());
            if given.is_none() {
                kept.insert(name, token.clone());
            }
            all.insert(name, token);
        }
        let kept = kept.iter().fold(String::new(), |mut text, (name, value)| {
            writeln!(text, "{name}={value}").expect("writing to a text never fails");
            text
        });
        Ok(Self { all, apps, kept })
    }

    /// Keeps what was made.
    pub(super) fn keep(&self, data: &Path) -> Result<(), Error> {
        let path = data.join(FILE);
        write_private(&path, &self.kept).map_err(|error| Error::Data {
            path,
            reason: error.to_string(),
        })
    }

    /// A secret; all that are asked for are there.
    pub(super) fn get(&self, name: &str) -> &str {
        self.all.get(name).map(String::as_str).unwrap_or_default()
    }

    /// The app that a signed token names.
    pub(super) fn app_of(&self, token: &str) -> Option<String> {
        self.apps.get(token).cloned()
    }

    /// What a shell reads: other values and the secrets that callers need. The master key is not
    /// among them.
    pub(super) fn environment(&self, others: &[(&str, &str)]) -> String {
        let secrets = self
            .all
            .iter()
            .filter(|(name, _)| **name != "LEDGER_MASTER_KEY");
        let pairs = secrets.map(|(name, value)| (*name, value.as_str()));
        let all: BTreeMap<&str, &str> = others.iter().copied().chain(pairs).collect();
        all.iter().fold(String::new(), |mut text, (name, value)| {
            let value = value.replace('\'', r"'\''");
            writeln!(text, "{name}='{value}'").expect("writing to a text never fails");
            text
        })
    }
}

/// The store that tokens are for.
struct Store {
    handle: String,
    id: String,
    secret: String,
}

impl Store {
    #[expect(
        clippy::disallowed_methods,
        reason = "whether a token is over is asked of the clock"
    )]
    fn app(&self, token: &str) -> Option<String> {
        let bearer = format!("Bearer {token}");
        let claims = token::verify(self.secret.as_bytes(), Some(&bearer), Timestamp::now()).ok()?;
        claims.check_store(&self.handle, &self.id).ok()?;
        Some(claims.app_key)
    }

    #[expect(clippy::disallowed_methods, reason = "a token says when it was made")]
    fn sign(&self, app: &str) -> String {
        let now = Timestamp::now();
        app_token(
            &self.secret,
            app,
            &self.handle,
            &self.id,
            now,
            APP_TOKEN_LIFE,
        )
    }
}
