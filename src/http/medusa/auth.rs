//! Who asks, signing in and signing out.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use events::record::{Actor, ActorKind};
use express::cookie::{self, SignedId};
use express::etag::etag;
use express::json::Document;
use jiff::Timestamp;

use super::{Answered, Call, put, success, unread};
use crate::auth::{SignIn, Who};
use crate::contracts::medusa::login::parse_login;
use crate::contracts::medusa::path::Route;
use crate::contracts::medusa::refusal::{CROSS_ORIGIN, POWERED_BY, Refused, TEXT};
use crate::contracts::medusa::user::{self, User};
use crate::http::Api;
use crate::http::request::RequestId;
use crate::http::server::proxies::{self, Caller};

/// The session's cookie, the bearer token and the api token, tried in this order: one that is good is
/// enough, whatever the others are. Source: case `auth-bad-bearer-good-api-token`.
pub(super) async fn who_asks(api: &Api, headers: &HeaderMap) -> Result<Actor, Refused> {
    if let Some(session) = session(headers)
        && let Some(actor) = api
            .auth
            .medusa_session(&session)
            .await
            .map_err(|error| unread(&error))?
    {
        return Ok(actor);
    }
    if let Some(authorization) = text(headers, header::AUTHORIZATION.as_str())
        && let Some(actor) = api.auth.medusa_bearer(authorization, now())
    {
        return Ok(actor);
    }
    let token = text(headers, "x-medusa-access-token").unwrap_or_default();
    let actor = api.auth.medusa_api_token(token).await;
    actor
        .map_err(|error| unread(&error))?
        .ok_or(Refused::Unauthorized)
}

/// `/admin/auth` and `/admin/auth/token`. Signing in is the one thing that takes no proof.
pub(super) async fn answer(
    api: &Api,
    id: &RequestId,
    parts: &Parts,
    route: &Route<'_>,
    document: Document,
) -> Result<Response, Refused> {
    let call = |actor| Call {
        api,
        id,
        parts,
        actor,
    };
    if parts.method == Method::POST {
        let user = match sign_in(api, parts, document).await? {
            SignIn::Is(user) => *user,
            SignIn::Wrong { user_id } => {
                if let Some(id) = user_id {
                    // Who guesses at an account is seen by whoever audits it.
                    let kind = ActorKind::Person;
                    call(Actor { kind, id }).keep(route, &Refused::LoginFailed);
                }
                return Err(Refused::LoginFailed);
            }
            SignIn::Throttled { wait } => {
                let seconds = wait.as_secs() + 1;
                return Err(Refused::LoginThrottled { seconds });
            }
        };
        if *route == Route::AuthToken {
            let token = api.auth.new_medusa_bearer(&user.id, now());
            return Ok(success(parts, Answered::ok(user::render_token(&token))));
        }
        return begin_session(api, parts, &user).await;
    }
    let actor = who_asks(api, &parts.headers).await?;
    let call = call(actor);
    let answered = match (&parts.method, route) {
        (&Method::GET | &Method::HEAD, Route::Auth) => call.user().await,
        (&Method::DELETE, Route::Auth) => call.sign_out().await,
        _ => Err(Refused::NoRoute {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            in_admin: true,
        }),
    };
    answered.inspect_err(|refused| call.keep(route, refused))
}

async fn sign_in(api: &Api, parts: &Parts, document: Document) -> Result<SignIn, Refused> {
    let login = parse_login(document)?;
    let open = |text: &events::personal::Personal<String>| text.open().cloned().unwrap_or_default();
    let (email, password) = (open(&login.email), open(&login.password));
    let who = Who {
        email: &email,
        password: &password,
        address: caller(api, parts).address,
    };
    api.auth.sign_in(who).await.map_err(|error| unread(&error))
}

/// `POST /admin/auth`. Medusa's cookie is `Secure` and is sent over https only; without a cookie
/// there is no session to keep. Source: cases `auth-login-ok-http`, `auth-login-ok-https`.
async fn begin_session(api: &Api, parts: &Parts, user: &User) -> Result<Response, Refused> {
    let mut response = success(parts, Answered::ok(user::render(user)));
    if !caller(api, parts).is_https {
        return Ok(response);
    }
    let had = session(&parts.headers);
    let session = api
        .auth
        .begin_session(&user.id, had.as_ref())
        .await
        .map_err(|error| unread(&error))?
        .ok_or(Refused::LoginFailed)?;
    let cookie = cookie::render(&session.id, session.expires_at);
    let cookie = HeaderValue::from_str(&cookie).expect("what is encoded is visible ASCII");
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

impl Call<'_> {
    /// `GET /admin/auth`.
    async fn user(&self) -> Result<Response, Refused> {
        let user = self.api.auth.medusa_user(&self.actor.id).await;
        let user = user.map_err(|error| unread(&error))?;
        let body = user::render(&user.ok_or(Refused::UserUnknown)?);
        Ok(success(self.parts, Answered::ok(body)))
    }

    /// `DELETE /admin/auth`: whatever the proof was, the session of the cookie is over.
    async fn sign_out(&self) -> Result<Response, Refused> {
        if let Some(session) = session(&self.parts.headers) {
            let ended = self.api.auth.end_session(&session).await;
            ended.map_err(|error| unread(&error))?;
        }
        let body = "OK";
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::OK;
        let headers = response.headers_mut();
        put(headers, [POWERED_BY]);
        put(headers, CROSS_ORIGIN);
        put(headers, [("content-type", TEXT)]);
        put(headers, [("etag", etag(body.as_bytes()).as_str())]);
        Ok(response)
    }
}

/// The session that the cookies name. Node joins several headers into one.
fn session(headers: &HeaderMap) -> Option<SignedId> {
    let cookies: Vec<_> = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    cookie::parse(&cookies.join("; "))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn caller(api: &Api, parts: &Parts) -> Caller {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|peer| peer.0);
    proxies::caller(&api.trusted_proxies, peer, &parts.headers)
}

#[expect(
    clippy::disallowed_methods,
    reason = "whether a token is over is asked of the clock"
)]
fn now() -> Timestamp {
    Timestamp::now()
}
