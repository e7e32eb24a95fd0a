//! `ledger app`: the apps that ask through SHOPLINE's contract, from the command line.
//!
//! A secret is `SHOPLINE_APP_SECRET`, or a line of the standard input, or made here and printed once;
//! it is never an argument, which everybody on the machine can see.

use clap::{Args, Subcommand};

use crate::auth::apps::{self, ListedApp, add_app, list_apps, new_app_key, revoke_app, rotate_app};
use crate::auth::tokens::new_secret;
use crate::cli::owner::{Error, Owner, line};
use crate::config::{self, AppConfig, Settings};
use crate::contracts::shopline::rate::Plan;

/// The longest key of an app, in characters.
const KEY_MAX: usize = 64;

/// What to do with apps.
#[derive(Debug, Subcommand)]
pub(super) enum App {
    /// Add an app, or change the one with this key, also a revoked one: prints the key, and the
    /// secret if it was made. Without a secret an app that is there keeps its own.
    Add {
        /// Key of the app; without it a new one is made.
        #[arg(long, value_parser = key)]
        key: Option<String>,
        /// What it may do, separated by commas.
        #[arg(
            long,
            required = true,
            value_delimiter = ',',
            value_parser = ["read_customers", "write_customers"]
        )]
        scopes: Vec<String>,
        /// How often it may ask: `standard` is 40 times at once and 4 times a second.
        #[arg(long, default_value = "standard", value_parser = Plan::ALL.map(Plan::name))]
        plan: String,
        /// Where the secret comes from.
        #[command(flatten)]
        secret: Secret,
    },
    /// Print a line for each app: key, plan, scopes, and `revoked` or `installed`.
    List,
    /// Revoke an app: its tokens open nothing more, also when it is added again.
    Revoke {
        /// Key of the app.
        #[arg(long)]
        key: String,
    },
    /// Give an app another secret, which signs OAuth and webhooks: prints it if it was made. Tokens
    /// are signed otherwise, and go on.
    Rotate {
        /// Key of the app.
        #[arg(long)]
        key: String,
        /// Where the secret comes from.
        #[command(flatten)]
        secret: Secret,
    },
}

/// Where a secret comes from.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Secret {
    /// Read the secret from a line of the standard input.
    #[arg(long)]
    secret_stdin: bool,
}

/// Does it as the owner of the database.
pub(super) async fn run(settings: &Settings, app: App) -> Result<(), Error> {
    let owner = Owner::open(settings).await?;
    let Owner {
        pool,
        keyring,
        store,
    } = &owner;
    let printed = match app {
        App::Add {
            key,
            scopes,
            plan,
            secret,
        } => {
            let key = key.unwrap_or_else(new_app_key);
            let given = secret.given(settings)?;
            let app = apps::App {
                key: &key,
                secret: given.as_deref(),
                scopes: &scopes,
                plan: Plan::of(&plan).unwrap_or_default(),
            };
            match add_app(pool, keyring, store, &app).await? {
                Some(made) => format!("{key} {made}\n"),
                None => format!("{key}\n"),
            }
        }
        App::List => list_apps(pool, store).await?.iter().map(listed).collect(),
        App::Revoke { key } => {
            if !revoke_app(pool, store, &key).await? {
                return Err(Error::NoApp("--key"));
            }
            format!("{key}\n")
        }
        App::Rotate { key, secret } => {
            let given = secret.given(settings)?;
            let made = given.is_none().then(new_secret);
            let secret = given.or_else(|| made.clone()).unwrap_or_default();
            if !rotate_app(pool, keyring, store, &key, &secret).await? {
                return Err(Error::NoApp("--key"));
            }
            made.map_or_else(|| format!("{key}\n"), |made| format!("{key} {made}\n"))
        }
    };
    owner.print(&printed).await
}

impl Secret {
    fn given(self, settings: &Settings) -> Result<Option<String>, Error> {
        let AppConfig { secret } = settings.read()?;
        match secret {
            Some(config::Secret(secret)) => Ok(Some(secret)),
            None if self.secret_stdin => line()?.map(Some).ok_or(Error::NoSecret),
            None => Ok(None),
        }
    }
}

fn listed(app: &ListedApp) -> String {
    let state = if app.is_revoked {
        "revoked"
    } else {
        "installed"
    };
    format!(
        "{} {} {} {state}\n",
        app.app_key,
        app.plan,
        app.scopes.join(",")
    )
}

/// A key stands in tokens, logs and lines of a list.
fn key(text: &str) -> Result<String, String> {
    let is_key = |char: char| char.is_ascii_alphanumeric() || char == '-' || char == '_';
    if !text.is_empty() && text.len() <= KEY_MAX && text.chars().all(is_key) {
        Ok(text.to_owned())
    } else {
        Err(format!("a key is 1 to {KEY_MAX} letters, digits, - or _"))
    }
}
