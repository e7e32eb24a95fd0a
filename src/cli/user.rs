//! `ledger user`: the people who sign in through Medusa's contract, from the command line.
//!
//! Secrets are read from the environment or from the standard input, never from arguments, which
//! everybody on the machine can see.

use clap::{Args, Subcommand};

use crate::auth::passwords;
use crate::auth::people;
use crate::auth::people::{NewUser, Password, add_user, remove_user};
use crate::auth::tokens::new_secret;
use crate::cli::owner::{Error, Owner, line};
use crate::config::{PersonConfig, Secret, Settings};
use crate::contracts::medusa::email::is_email;

/// What to do with people.
#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Add a person, or change the one with this e-mail: prints the id and the api token. The
    /// password is `MEDUSA_ADMIN_PASSWORD`, else a line of the standard input; the api token is
    /// `MEDUSA_API_TOKEN`, else a new one.
    Add(Person),
    /// Print a line for each person: id, role, e-mail, when added.
    List,
    /// Remove a person, and end the sessions.
    Remove {
        /// E-mail of the person.
        #[arg(long)]
        email: String,
    },
    /// Add a person with the password hash that Medusa has in `user.password_hash`: a line of the
    /// standard input. The api token is `MEDUSA_API_TOKEN`; without it there is none. Prints the id.
    Import {
        /// Who.
        #[command(flatten)]
        person: Person,
        /// The id in Medusa, `usr_…`.
        #[arg(long)]
        id: Option<String>,
    },
}

/// Who a person is.
#[derive(Debug, Args)]
pub(super) struct Person {
    /// E-mail of the person.
    #[arg(long)]
    email: String,
    /// First name.
    #[arg(long, default_value = "")]
    first_name: String,
    /// Last name.
    #[arg(long, default_value = "")]
    last_name: String,
    /// Role.
    #[arg(long, default_value = "member", value_parser = ["admin", "member", "developer"])]
    role: String,
}

/// Does it as the owner of the database.
pub(super) async fn run(settings: &Settings, user: User) -> Result<(), Error> {
    let owner = Owner::open(settings).await?;
    let Owner {
        pool,
        keyring,
        store,
    } = &owner;
    let given: PersonConfig = settings.read()?;
    let given_token = given.api_token.map(|Secret(token)| token);
    let printed = match user {
        User::Add(person) => {
            let password = match given.password {
                Some(Secret(password)) => password,
                None => line()?.ok_or(Error::NoPassword)?,
            };
            let api_token = given_token.unwrap_or_else(new_secret);
            let password = Password::Plain(&password);
            let user = person.with(None, password, Some(&api_token))?;
            let id = add_user(pool, keyring, store, &user).await?;
            format!("{id} {api_token}\n")
        }
        User::List => {
            let all = people::all(pool, keyring, store).await?;
            let line = |user: &crate::contracts::medusa::user::User| {
                format!(
                    "{} {} {} {}\n",
                    user.id, user.role, user.email, user.created_at
                )
            };
            all.iter().map(line).collect()
        }
        User::Remove { email } => {
            let removed = remove_user(pool, store, &email).await?;
            format!("{}\n", removed.ok_or(Error::Nobody)?)
        }
        User::Import { person, id } => {
            let hash = line()?.filter(|line| passwords::is_hash(line));
            let hash = hash.ok_or(Error::NoHash)?;
            let password = Password::Hash(&hash);
            let user = person.with(id.as_deref(), password, given_token.as_deref())?;
            format!("{}\n", add_user(pool, keyring, store, &user).await?)
        }
    };
    owner.print(&printed).await
}

impl Person {
    fn with<'a>(
        &'a self,
        id: Option<&'a str>,
        password: Password<'a>,
        api_token: Option<&'a str>,
    ) -> Result<NewUser<'a>, Error> {
        if !is_email(&self.email) {
            return Err(Error::Email);
        }
        Ok(NewUser {
            id,
            email: &self.email,
            first_name: &self.first_name,
            last_name: &self.last_name,
            role: &self.role,
            password,
            api_token,
        })
    }
}
