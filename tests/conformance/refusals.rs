//! The recorded refusals that depend on nothing but the request, against the contract's pure files
//! alone: no server takes part.

use std::collections::BTreeMap;

use express::body::{self, Headers};
use express::json::Document;

use customer_ledger::contracts::medusa::error::ApiError;
use customer_ledger::contracts::medusa::path::{Route, route};
use customer_ledger::contracts::medusa::{bearer, customer, group, list, login, members};

use super::cases::{Case, RECORDED_RUN, selected};
use super::compare::{Answer, Comparison};
use super::proofs;
use super::replay;
use super::world::World;
use crate::support::shop::{MEDUSA_JWT_SECRET, now};

/// What the pure files say of a request: nothing, when the answer depends on more than them.
fn refusal(case: &Case, world: &World) -> Option<ApiError> {
    let request = case.request.as_ref()?;
    let given = replay::body(request, world).expect("recorded bodies can be built");
    let header = |name: &str| request.headers.get(name).and_then(Option::as_deref);
    let content_type = header("content-type").or(given.is_some().then_some("application/json"));
    let headers = Headers {
        has_body: given.is_some(),
        content_type,
        content_encoding: header("content-encoding"),
    };
    let read = || match body::plan(headers)? {
        Some(plan) => plan.parse(&given.unwrap_or_default()),
        None => Ok(body::empty()),
    };
    let document = match read() {
        Ok(document) => document,
        Err(error) => return Some(ApiError::Body(error)),
    };
    let path = world.fill(&request.path).expect("earlier cases saved it");
    let (path, query) = path.split_once('?').unwrap_or((&path, ""));
    let signs_in =
        request.method == "POST" && matches!(route(path), Route::Auth | Route::AuthToken);
    let proof = request.auth.as_deref().unwrap_or("token");
    let is_proven = match proof.split_once(':') {
        // The real server gave it, under a key of its own.
        Some(("bearer", "bearer")) => true,
        Some(("bearer", name)) => {
            let token = world.get(name).expect("earlier cases saved it");
            let authorization = format!("Bearer {token}");
            bearer::verify(MEDUSA_JWT_SECRET.as_bytes(), &authorization, now()).is_some()
        }
        Some(_) | None => proof != "none",
    };
    if !is_proven && !signs_in {
        return Some(ApiError::Unauthorized);
    }
    operation(&request.method, path, query, document).err()
}

fn operation(method: &str, path: &str, query: &str, body: Document) -> Result<(), ApiError> {
    match (method, route(path)) {
        ("POST", Route::Customers) => customer::parse_create(body).map(|_| ()),
        ("POST", Route::Customer(_)) => customer::parse_update(body, query).map(|_| ()),
        ("GET" | "HEAD", Route::Customer(_)) => customer::parse_find(query).map(|_| ()),
        ("GET" | "HEAD", Route::Customers) => list::parse_customers(query).map(|_| ()),
        ("GET" | "HEAD", Route::Groups) => list::parse_groups(query).map(|_| ()),
        ("GET" | "HEAD", Route::Members(group)) => list::parse_members(query, &group).map(|_| ()),
        ("POST", Route::Groups) => group::parse_create(body).map(|_| ()),
        ("GET" | "HEAD", Route::Group(_)) => group::parse_find(query).map(|_| ()),
        ("POST", Route::Auth | Route::AuthToken) => login::parse_login(body).map(|_| ()),
        ("GET" | "HEAD" | "DELETE", Route::Auth) | ("DELETE", Route::Group(_)) => Ok(()),
        ("POST", Route::Group(_)) => {
            let update = group::parse_update(body, query)?;
            update.refused.map_or(Ok(()), Err)
        }
        ("POST", Route::MembersBatch(_)) => members::parse_add(body).map(|_| ()),
        ("DELETE", Route::MembersBatch(_)) => members::parse_remove(body).map(|_| ()),
        (_, Route::BadEncoding) => Err(ApiError::Unknown),
        (_, route) => Err(ApiError::NoRoute {
            method: method.to_owned(),
            path: path.to_owned(),
            in_admin: route != Route::NotAdmin,
        }),
    }
}

/// Who has which password, which people there are, and which sessions are over.
const LOOKED_UP: [&str; 4] = [
    "auth-login-unknown-email",
    "auth-token-wrong-password",
    "auth-get-bearer-unknown-user",
    "auth-session-after-logout",
];

/// Whether a recorded refusal could only be known by looking into the store.
fn needs_the_store(case: &Case) -> bool {
    let recorded = case.answer.as_ref().expect("selected cases have one");
    let text = recorded.body.get();
    recorded.status < 400
        || recorded.status == 422
        || text.contains("not_found")
        || text.contains("Email cannot be changed")
        // Which relations, columns and orders there are, is for the projection to say.
        || case.name.contains("expand-unknown")
        || case.name.contains("fields-unknown")
        || (case.name.contains("list-order") && recorded.status == 500)
        || case.name == "get-expand-space"
        || LOOKED_UP.contains(&case.name.as_str())
}

#[test]
fn refusals_that_need_no_store_are_the_recorded_ones() {
    let mut world = World::new(RECORDED_RUN);
    proofs::prepare(&mut world);
    let mut comparison = Comparison::new(world.clone(), world);
    let mut refused_count = 0;
    for case in selected() {
        let refused = refusal(&case, &comparison.world);
        assert_eq!(refused.is_none(), needs_the_store(&case), "{}", case.name);
        let Some(refused) = refused else {
            // What it saves is needed by later cases; its answer is not the subject.
            comparison.learn(&case);
            continue;
        };
        let answer = refused.answer();
        let headers: BTreeMap<_, _> = answer
            .headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let answer = Answer {
            status: answer.status,
            headers,
            body: answer.body,
        };
        let found = comparison.differences(&case, &answer);
        assert!(found.is_empty(), "{}: {found:#?}", case.name);
        refused_count += 1;
    }
    assert_eq!(refused_count, 122);
}
