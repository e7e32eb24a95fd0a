//! SHOPLINE's routes, and the order in which a request is looked at.
//!
//! An endpoint is a file: `handle` reads what is asked by `contracts::shopline`, asks the store, and
//! answers what `projections::shopline` renders. What goes wrong becomes SHOPLINE's words in [`error`].

mod addresses;
mod call;
mod customers;
mod error;
mod proof;
mod response;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use events::ids::RequestId;
use events::record::{Actor, ActorKind};

use self::call::Call;
use self::proof::{admit, authenticate};
pub(super) use self::response::refuse;
use self::response::{Answered, traced};
use super::api::Api;
pub(super) use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::path::{MatchedPath, Operation, find};
use crate::contracts::shopline::rate::Plan;

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

async fn answer(api: &Api, id: &RequestId, request: Request) -> Result<Answered, ApiError> {
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
        dispatch(&call, &found, body).await
    } else {
        Err(ApiError::Scope(found.route.scope))
    };
    answered.inspect_err(|refused| call.keep(refused))
}

async fn dispatch(call: &Call<'_>, found: &MatchedPath, body: Body) -> Result<Answered, ApiError> {
    call.check_accept()?;
    let answered = match found.route.operation {
        Operation::List => return customers::list::handle(call, found).await,
        Operation::Search => return customers::search::handle(call, found).await,
        Operation::Count => return customers::count::handle(call).await,
        Operation::Create => customers::create::handle(call, found, body).await,
        Operation::Get => customers::get::handle(call, found).await,
        Operation::Update => customers::update::handle(call, found, body).await,
        Operation::Delete => customers::delete::handle(call, found).await,
        Operation::Subscriptions => customers::subscriptions::handle(call).await,
        Operation::Invite => customers::send_invite::handle(call, found).await,
        Operation::ActivationUrl => customers::account_activation_url::handle(call, found).await,
        Operation::Orders => customers::orders::handle(call, found).await,
        Operation::RemoveTags => customers::remove_tags::handle(call, body).await,
        Operation::Addresses => addresses::list::handle(call, found, body).await,
        Operation::CreateAddress => addresses::create::handle(call, found, body).await,
        Operation::GetAddress => addresses::get::handle(call, found).await,
        Operation::UpdateAddress => addresses::update::handle(call, found, body).await,
        Operation::DeleteAddress => addresses::delete::handle(call, found).await,
        Operation::DefaultAddress => addresses::set_default::handle(call, found).await,
        Operation::DestroyAddresses => addresses::delete_many::handle(call, found).await,
    };
    answered.map(Answered::ok)
}
