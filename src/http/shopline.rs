//! SHOPLINE's routes: I/O only. What is asked is read by `contracts::shopline`, what is answered is
//! rendered by `projections::shopline`.

mod addresses;
mod customers;
mod lists;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use events::record::{Actor, ActorKind, Contract};
use projections::shopline as view;

use super::request::{Envelope, RequestId, now, reason};
use super::{Api, BEHIND, json};
use crate::auth::InstalledApp;
use crate::contracts::shopline::path::{MatchedPath, Operation, find};
use crate::contracts::shopline::rate::Plan;
pub(super) use crate::contracts::shopline::refused::Refused;
use crate::contracts::shopline::request::{BODY_BYTES_MAX, check_accept, check_content_type};
use crate::contracts::shopline::token;
use crate::domain::claims::{EMAIL, EMAIL_ACCOUNT, EMAIL_GUEST, PHONE, SHOPLINE_ID};
use crate::domain::customer::{Command, Customer, Refusal};
use crate::event_store::StoreError;
use crate::event_store::appender::Conflict;
use crate::event_store::{ExecuteError, Loaded, Outcome};
use crate::history::questions::{self, Asker, Questions};
use crate::history::refusals;
use crate::history::{NoTime, When};
use crate::http::limiter::NotAdmitted;

/// What `as_of` takes.
const POINT_IN_TIME: &str = "a position, a time with its offset, a date or how long ago";

/// Whether a path is SHOPLINE's, also with doubled slashes.
pub(super) fn is_path(path: &str) -> bool {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    segments.next() == Some("admin") && segments.next() == Some("openapi")
}

/// Answers a request, or refuses it in SHOPLINE's own words.
pub(super) async fn serve(api: &Api, id: &RequestId, request: Request) -> Response {
    match answer(api, id, request).await {
        Ok(answered) => traced(id, answered.response()),
        Err(refused) => refuse(id, &refused),
    }
}

/// What a handler answers when nothing goes wrong.
struct Answered {
    body: String,
    /// Where further pages are.
    link: Option<String>,
    /// By how many positions what is shown may be behind, if it is.
    behind: Option<i64>,
}

impl Answered {
    const fn ok(body: String) -> Self {
        Self {
            body,
            link: None,
            behind: None,
        }
    }

    fn response(self) -> Response {
        let mut response = json(StatusCode::OK, self.body);
        let headers = response.headers_mut();
        if let Some(link) = self.link {
            let link = HeaderValue::from_str(&link).expect("a link is visible ASCII");
            headers.insert(header::LINK, link);
        }
        if let Some(behind) = self.behind {
            headers.insert(BEHIND, HeaderValue::from(behind));
        }
        response
    }
}

/// SHOPLINE's own answer to a refusal.
pub(super) fn refuse(id: &RequestId, refused: &Refused) -> Response {
    let status = StatusCode::from_u16(refused.status());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, refused.body());
    if *refused == Refused::TooManyRequests {
        // There is room for one within a quarter of a second; the header knows whole ones.
        let second = HeaderValue::from_static("1");
        response.headers_mut().insert(header::RETRY_AFTER, second);
    }
    traced(id, response)
}

fn traced(id: &RequestId, mut response: Response) -> Response {
    let trace = HeaderValue::from_str(&id.0).expect("hexadecimal digits are a header value");
    response.headers_mut().insert("traceid", trace);
    response
}

async fn answer(api: &Api, id: &RequestId, request: Request) -> Result<Answered, Refused> {
    let (parts, body) = request.into_parts();
    let found = find(parts.method.as_str(), parts.uri.path())?;
    let app = authenticate(api, &parts.headers).await?;
    let call = Call {
        api,
        id,
        actor: Actor {
            kind: ActorKind::App,
            id: app.app_key,
        },
        route: format!("{} {}", found.route.method, found.route.template),
        headers: &parts.headers,
        peer: parts.extensions.get::<ConnectInfo<_>>().map(|peer| peer.0),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
    };
    // Whatever becomes of it counts. What is too much is not kept: a flood would fill the table.
    match app.installed.plan {
        Plan::Standard => admit(api, &call.actor.id).await?,
        Plan::Unlimited => {}
    }
    let answered = if app.installed.scopes.contains(&found.route.scope) {
        call.dispatch(&found, body).await
    } else {
        Err(Refused::Scope(found.route.scope))
    };
    answered.inspect_err(|refused| call.keep(refused))
}

/// An app that is let in.
struct App {
    app_key: String,
    installed: Arc<InstalledApp>,
}

async fn authenticate(api: &Api, headers: &HeaderMap) -> Result<App, Refused> {
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let secret = api.shopline.jwt_secret.0.as_bytes();
    let claims = token::verify(secret, authorization, now())?;
    claims.check_store(&api.shopline.store.handle, &api.shopline.store.store_id)?;
    let installed = api
        .auth
        .shopline_app(&claims.app_key)
        .await
        .map_err(|error| unread(&error))?;
    // A token of an app that is no longer installed opens nothing.
    let installed = installed.ok_or(token::Unauthorized::NotInstalled)?;
    claims.check_made_since(installed.tokens_since)?;
    Ok(App {
        app_key: claims.app_key,
        installed,
    })
}

async fn admit(api: &Api, app_key: &str) -> Result<(), Refused> {
    match api.limiter.admit(app_key).await {
        Ok(()) => Ok(()),
        Err(NotAdmitted::TooOften) => {
            metrics::counter!("ledger_apps_limited").increment(1);
            Err(Refused::TooManyRequests)
        }
        Err(NotAdmitted::Database(error)) => Err(unread(&error)),
        Err(NotAdmitted::Away) => Err(Refused::Unavailable),
    }
}

/// One request of a known app.
struct Call<'a> {
    api: &'a Api,
    id: &'a RequestId,
    actor: Actor,
    route: String,
    headers: &'a HeaderMap,
    peer: Option<SocketAddr>,
    path: &'a str,
    query: &'a str,
}

impl Call<'_> {
    async fn dispatch(&self, found: &MatchedPath, body: Body) -> Result<Answered, Refused> {
        check_accept(text(self.headers, header::ACCEPT))?;
        let answered = match found.route.operation {
            Operation::List => return self.list(found).await,
            Operation::Search => return self.search(found).await,
            Operation::Count => return self.count().await,
            Operation::Create => self.create(found, body).await,
            Operation::Get => self.get(found).await,
            Operation::Update => self.update(found, body).await,
            Operation::Delete => self.delete(found).await,
            Operation::Subscriptions => self.subscriptions().await,
            Operation::Invite => self.invite(found).await,
            Operation::ActivationUrl => self.activation_url(found).await,
            Operation::Orders => self.orders(found).await,
            Operation::RemoveTags => self.remove_tags(body).await,
            Operation::Addresses => self.addresses(found, body).await,
            Operation::CreateAddress => self.create_address(found, body).await,
            Operation::GetAddress => self.get_address(found).await,
            Operation::UpdateAddress => self.update_address(found, body).await,
            Operation::DeleteAddress => self.delete_address(found).await,
            Operation::DefaultAddress => self.default_address(found).await,
            Operation::DestroyAddresses => self.destroy_addresses(found).await,
        };
        answered.map(Answered::ok)
    }

    async fn body(&self, body: Body) -> Result<Vec<u8>, Refused> {
        check_content_type(text(self.headers, header::CONTENT_TYPE))?;
        // A body that is cut short is as good as one that is too large: neither is JSON.
        let body = axum::body::to_bytes(body, BODY_BYTES_MAX).await;
        Ok(body.map_err(|_too_large| Refused::BodyTooLarge)?.to_vec())
    }

    /// A customer as it is now.
    async fn shown(&self, id: &str) -> Result<view::Customer, Refused> {
        let customer = self.api.ledger.shopline_customer(id).await;
        let customer = customer.map_err(|error| failed(&error))?;
        customer.ok_or(Refused::NoSuchData)
    }

    /// A customer as it was at a point in time.
    async fn then(&self, id: &str, as_of: &str) -> Result<view::Customer, Refused> {
        let parameter = |expected| Refused::Parameter {
            parameter: "as_of",
            expected,
        };
        let as_of = When::parse(as_of, now()).map_err(|NoTime| parameter(POINT_IN_TIME))?;
        let reason =
            reason(self.headers).map_err(|refused| Refused::Header(refused.to_string()))?;
        let questions = Questions {
            ledger: &self.api.ledger,
            asker: Asker {
                actor: &self.actor,
                request_id: Some(&self.id.0),
                reason: reason.as_deref(),
            },
        };
        let then = questions.then(SHOPLINE_ID, id, as_of, &self.route);
        match self.api.apart(then).await {
            Ok(then) => then
                .map(|then| then.views.shopline)
                .ok_or(Refused::NoSuchData),
            Err(questions::Error::Read(error)) => Err(failed(&error)),
            Err(_) => Err(parameter("a position that the ledger has come to")),
        }
    }

    /// Several customers as they are now, in this order; those that there are not are left out.
    async fn all_shown(&self, ids: &[String]) -> Result<Vec<view::Customer>, Refused> {
        let mut customers = vec![];
        for id in ids.iter().filter(|id| !id.contains('\0')) {
            let customer = self.api.ledger.shopline_customer(id).await;
            customers.extend(customer.map_err(|error| failed(&error))?);
        }
        Ok(customers)
    }

    /// The stream of a customer's id.
    async fn stream(&self, id: &str) -> Result<String, Refused> {
        let stream = self.api.ledger.find(SHOPLINE_ID, id).await;
        let stream = stream.map_err(|error| unread(&error))?;
        stream.ok_or(Refused::NoSuchData)
    }

    /// Has the command done, once: the customer as it was right after.
    async fn execute(
        &self,
        stream: &str,
        command: Command,
        body: &[u8],
    ) -> Result<Arc<Loaded<Customer>>, Refused> {
        let ledger = &self.api.ledger;
        let envelope = Envelope {
            actor: self.actor.clone(),
            contract: Contract::Shopline,
            route: &self.route,
            id: self.id,
            headers: self.headers,
        };
        let content = [self.path, self.query, &String::from_utf8_lossy(body)];
        let request = envelope
            .request(&ledger.keyring, &content, 200)
            .map_err(|refused| Refused::Header(refused.to_string()))?;
        match ledger.execute::<Customer>(stream, command, &request).await {
            Ok(Outcome::Done(done)) => Ok(done),
            Ok(Outcome::Repeated(first)) => self.as_of(&first.stream, first.sequence).await,
            Err(error) => Err(refused(error)),
        }
    }

    /// A customer as it was at a sequence.
    async fn as_of(&self, stream: &str, sequence: i64) -> Result<Arc<Loaded<Customer>>, Refused> {
        let then = self
            .api
            .ledger
            .load_until::<Customer>(stream, sequence)
            .await;
        let then = then.map_err(|error| failed(&error))?;
        if then.is_erased() {
            return Err(Refused::NoSuchData);
        }
        Ok(Arc::new(then))
    }

    fn keep(&self, refused: &Refused) {
        self.api.refusals.keep(refusals::Refusal {
            request_id: self.id.0.clone(),
            actor: self.actor.clone(),
            contract: Contract::Shopline,
            route: self.route.clone(),
            status: refused.status(),
            kind: refused.kind().to_owned(),
            fields: refused.fields(),
        });
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

fn refused(error: ExecuteError<Refusal>) -> Refused {
    match error {
        ExecuteError::Refused(refusal) => refusal.into(),
        ExecuteError::Conflicts(failures) => failures
            .iter()
            .find_map(|failure| match failure {
                Conflict::Claimed(kind) | Conflict::Marked(kind) => match kind.as_str() {
                    EMAIL | EMAIL_ACCOUNT | EMAIL_GUEST => Some(Refused::EmailTaken),
                    PHONE => Some(Refused::PhoneTaken),
                    _ => None,
                },
                Conflict::GroupUnknown(_) => None,
            })
            .unwrap_or(Refused::Internal),
        ExecuteError::KeyReused => Refused::IdempotencyKeyReused,
        ExecuteError::Contended => Refused::Unavailable,
        ExecuteError::Read(error) => failed(&error),
        ExecuteError::Append(error) => {
            tracing::warn!(error = %error, "a command was not appended");
            Refused::Unavailable
        }
    }
}

fn failed(error: &StoreError) -> Refused {
    match error {
        StoreError::Unavailable(error) => unread(error),
        StoreError::Corrupt(_) | StoreError::Lost | StoreError::Unknown(_) => {
            tracing::error!(error = %error, "the ledger could not be read");
            Refused::Internal
        }
    }
}

fn unread(error: &sqlx::Error) -> Refused {
    tracing::warn!(error = %error, "the database could not be used");
    Refused::Unavailable
}
