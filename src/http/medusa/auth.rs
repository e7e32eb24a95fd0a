//! `/admin/auth`: signing in, who is signed in, and signing out.

pub(super) mod create_session;
pub(super) mod create_token;
pub(super) mod delete_session;
pub(super) mod get_session;

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use events::ids::RequestId;
use events::personal::Personal;
use events::record::{Actor, ActorKind};
use express::json::Document;

use super::call::Call;
use crate::auth::{SignIn, Who};
use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::login::parse_login;
use crate::contracts::medusa::path::Route;
use crate::contracts::medusa::user::User;
use crate::http::api::Api;
use crate::http::server::proxies::{self, Caller};

/// A request to sign in, whose sender is not known yet.
pub(super) struct Visit<'a> {
    pub(super) api: &'a Api,
    pub(super) id: &'a RequestId,
    pub(super) parts: &'a Parts,
}

impl Visit<'_> {
    /// The person whose e-mail and password the body holds.
    async fn sign_in(&self, route: &Route<'_>, document: Document) -> Result<User, ApiError> {
        let login = parse_login(document)?;
        let open = |text: &Personal<String>| text.open().cloned().unwrap_or_default();
        let (email, password) = (open(&login.email), open(&login.password));
        let who = Who {
            email: &email,
            password: &password,
            address: self.caller().address,
        };
        match self.api.auth.sign_in(who).await? {
            SignIn::Is(user) => Ok(*user),
            SignIn::Wrong { user_id } => {
                if let Some(id) = user_id {
                    // An audit of the account shows that its password was guessed at.
                    self.keep(route, id);
                }
                Err(ApiError::LoginFailed)
            }
            SignIn::Throttled { wait } => {
                let seconds = wait.as_secs() + 1;
                Err(ApiError::LoginThrottled { seconds })
            }
        }
    }

    fn keep(&self, route: &Route<'_>, user_id: String) {
        let call = Call {
            api: self.api,
            id: self.id,
            parts: self.parts,
            actor: Actor {
                kind: ActorKind::Person,
                id: user_id,
            },
        };
        call.keep(route, &ApiError::LoginFailed);
    }

    fn caller(&self) -> Caller {
        let peer = self.parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|peer| peer.0);
        proxies::caller(&self.api.trusted_proxies, peer, &self.parts.headers)
    }
}
