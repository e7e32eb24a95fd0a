//! Which operation a path means, in which version.
//!
//! The path is taken raw, not decoded. SHOPLINE's Python client writes `v20220901//v2/…`, so doubled
//! slashes count as one, wherever they are. A method that a path does not have is an unknown route:
//! SHOPLINE has no 405.

use std::borrow::Cow;

use events::ids::ShoplineId;
use percent_encoding::percent_decode_str;

use super::error::ApiError;
use super::token::Scope;
use super::versions::{Version, version};

/// Every operation, on one screen. A further one is a line here and a variant of [`Operation`].
static ROUTES: [Route; 19] = {
    use Operation::{
        ActivationUrl, Addresses, Count, Create, CreateAddress, DefaultAddress, Delete,
        DeleteAddress, DestroyAddresses, Get, GetAddress, Invite, List, Orders, RemoveTags, Search,
        Subscriptions, Update, UpdateAddress,
    };
    use Scope::{ReadCustomers as Read, WriteCustomers as Write};
    [
        route(List, Read, "GET", "v2/customers.json"),
        route(Create, Write, "POST", "customers.json"),
        route(Search, Read, "GET", "customers/v2/search.json"),
        route(Count, Read, "GET", "customers/v2/count.json"),
        route(Get, Read, "GET", "customers/v2/{id}.json"),
        route(Subscriptions, Read, "GET", "customers/subscribe.json"),
        route(Update, Write, "PUT", "customers/{id}.json"),
        route(Delete, Write, "DELETE", "customers/{id}.json"),
        route(Invite, Write, "POST", "customers/{id}/send_invite.json"),
        route(
            ActivationUrl,
            Write,
            "POST",
            "customers/{id}/account_activation_url.json",
        ),
        route(Orders, Read, "GET", "customers/{id}/orders.json"),
        route(Addresses, Read, "POST", "customers/addresses/list.json"),
        route(
            CreateAddress,
            Write,
            "POST",
            "customers/{id}/addresses.json",
        ),
        // Before a single address: `set` is no address's id.
        route(
            DestroyAddresses,
            Write,
            "PUT",
            "customers/{id}/addresses/set.json",
        ),
        route(
            GetAddress,
            Read,
            "GET",
            "customers/{id}/addresses/{id}.json",
        ),
        route(
            UpdateAddress,
            Write,
            "PUT",
            "customers/{id}/addresses/{id}.json",
        ),
        route(
            DeleteAddress,
            Write,
            "DELETE",
            "customers/{id}/addresses/{id}.json",
        ),
        route(
            DefaultAddress,
            Write,
            "PUT",
            "customers/{id}/addresses/{id}/default.json",
        ),
        route(RemoveTags, Write, "POST", "customer_tags_remove.json"),
    ]
};

/// What an app can ask for; where nothing else is named, of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Source: SHOPLINE, list customers v20220601.
    List,
    /// Source: SHOPLINE, create customer.
    Create,
    /// Source: SHOPLINE, search customers v20220901.
    Search,
    /// Source: SHOPLINE, count customers.
    Count,
    /// Source: SHOPLINE, get customer.
    Get,
    /// Source: SHOPLINE, customer subscriptions.
    Subscriptions,
    /// Source: SHOPLINE, update customer v20220901.
    Update,
    /// Source: SHOPLINE, delete customer.
    Delete,
    /// Source: SHOPLINE, send invite.
    Invite,
    /// Source: SHOPLINE, account activation URL.
    ActivationUrl,
    /// Source: SHOPLINE, orders of a customer.
    Orders,
    /// Addresses of several customers. Source: SHOPLINE, batch query addresses.
    Addresses,
    /// Source: SHOPLINE, create address v20220901.
    CreateAddress,
    /// Source: SHOPLINE, batch delete addresses v20220901.
    DestroyAddresses,
    /// Source: SHOPLINE, get address.
    GetAddress,
    /// Source: SHOPLINE, update address v20220901.
    UpdateAddress,
    /// Source: SHOPLINE, delete address.
    DeleteAddress,
    /// Source: SHOPLINE, set default address.
    DefaultAddress,
    /// Source: SHOPLINE, remove tags of a customer.
    RemoveTags,
}

/// An operation with its method and path.
#[derive(Debug, PartialEq, Eq)]
pub struct Route {
    /// The operation.
    pub operation: Operation,
    /// The scope that the app needs.
    pub scope: Scope,
    /// The method.
    pub method: &'static str,
    /// The path after the version, ids as `{id}`: fit for a record's metadata or a metric, since no
    /// value is in it.
    pub template: &'static str,
}

const fn route(
    operation: Operation,
    scope: Scope,
    method: &'static str,
    template: &'static str,
) -> Route {
    Route {
        operation,
        scope,
        method,
        template,
    }
}

/// A path that means something.
#[derive(Debug, PartialEq, Eq)]
pub struct MatchedPath {
    /// The version's name.
    name: String,
    /// The version.
    pub version: &'static Version,
    /// The route.
    pub route: &'static Route,
    /// The ids in the path, decoded, in order.
    ids: Vec<ShoplineId>,
}

impl MatchedPath {
    /// The path of a route without ids, with single slashes.
    pub(crate) fn canonical_path(&self) -> String {
        format!("/admin/openapi/{}/{}", self.name, self.route.template)
    }

    /// The id of the customer. One that cannot be any customer's is refused as unknown; ask after
    /// authentication. Source: SHOPLINE, update customer: at most 64 characters.
    pub fn customer_id(&self) -> Result<&ShoplineId, ApiError> {
        self.id(0)
    }

    /// The id of the address, likewise.
    pub(crate) fn address_id(&self) -> Result<&ShoplineId, ApiError> {
        self.id(1)
    }

    fn id(&self, place: usize) -> Result<&ShoplineId, ApiError> {
        self.ids
            .get(place)
            .filter(|id| id.chars().count() <= ID_LENGTH_MAX && !id.contains('\0'))
            .ok_or(ApiError::NoSuchData)
    }
}

const ID_LENGTH_MAX: usize = 64;
/// What the ids of addresses begin with.
const ADDRESS_ID: &str = "SL";

/// What a method and a raw path (without query) mean.
pub fn find(method: &str, raw_path: &str) -> Result<MatchedPath, ApiError> {
    if raw_path.ends_with('/') {
        return Err(ApiError::UnknownRoute);
    }
    let segments = raw_path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_decode_str(segment).decode_utf8())
        .collect::<Result<Vec<_>, _>>();
    let (name, rest) = match segments.as_deref() {
        Ok([admin, openapi, name, rest @ ..]) if admin == "admin" && openapi == "openapi" => {
            (name, rest)
        }
        Ok(_) | Err(_) => return Err(ApiError::UnknownRoute),
    };
    let version = version(name).ok_or(ApiError::UnknownVersion)?;
    ROUTES
        .iter()
        .filter(|route| route.method == method)
        .find_map(|route| {
            let ids = in_order(ids(route.template, rest)?);
            Some(MatchedPath {
                name: name.to_string(),
                version,
                route,
                ids,
            })
        })
        .ok_or(ApiError::UnknownRoute)
}

/// The ids of a path that matches a template, or `None` when it does not.
fn ids(template: &str, path: &[Cow<'_, str>]) -> Option<Vec<ShoplineId>> {
    let wanted: Vec<_> = template.split('/').collect();
    if wanted.len() != path.len() {
        return None;
    }
    let mut ids = vec![];
    for (wanted, given) in wanted.into_iter().zip(path) {
        match wanted.strip_prefix("{id}") {
            Some(suffix) => {
                let id = given.strip_suffix(suffix).filter(|id| !id.is_empty())?;
                ids.push(id.into());
            }
            None if wanted == given => {}
            None => return None,
        }
    }
    Some(ids)
}

/// The customer's id first. SHOPLINE's own Go client writes the address's first, and no customer's id
/// looks like an address's.
fn in_order(mut ids: Vec<ShoplineId>) -> Vec<ShoplineId> {
    let is_number = |id: &ShoplineId| id.bytes().all(|byte| byte.is_ascii_digit());
    if let [address, customer] = ids.as_slice()
        && address.starts_with(ADDRESS_ID)
        && is_number(customer)
    {
        ids.reverse();
    }
    ids
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::contracts::shopline::versions::VERSION_20220901;

    const BASE: &str = "/admin/openapi/v20220901";

    fn operation(method: &str, path: &str) -> Result<Operation, ApiError> {
        find(method, path).map(|found| found.route.operation)
    }

    #[test]
    fn every_route_is_found_with_its_scope_and_version() {
        use Operation as O;
        use Scope::{ReadCustomers as Read, WriteCustomers as Write};
        for (method, path, operation, scope) in [
            ("GET", "/v2/customers.json", O::List, Read),
            ("POST", "/customers.json", O::Create, Write),
            ("GET", "/customers/v2/search.json", O::Search, Read),
            ("GET", "/customers/v2/count.json", O::Count, Read),
            ("GET", "/customers/v2/42.json", O::Get, Read),
            ("GET", "/customers/subscribe.json", O::Subscriptions, Read),
            ("PUT", "/customers/42.json", O::Update, Write),
            ("DELETE", "/customers/42.json", O::Delete, Write),
            ("POST", "/customers/42/send_invite.json", O::Invite, Write),
            (
                "POST",
                "/customers/42/account_activation_url.json",
                O::ActivationUrl,
                Write,
            ),
            ("GET", "/customers/42/orders.json", O::Orders, Read),
            ("POST", "/customers/addresses/list.json", O::Addresses, Read),
            (
                "POST",
                "/customers/42/addresses.json",
                O::CreateAddress,
                Write,
            ),
            (
                "PUT",
                "/customers/42/addresses/set.json",
                O::DestroyAddresses,
                Write,
            ),
            ("GET", "/customers/42/addresses/a.json", O::GetAddress, Read),
            (
                "PUT",
                "/customers/42/addresses/a.json",
                O::UpdateAddress,
                Write,
            ),
            (
                "DELETE",
                "/customers/42/addresses/a.json",
                O::DeleteAddress,
                Write,
            ),
            (
                "PUT",
                "/customers/42/addresses/a/default.json",
                O::DefaultAddress,
                Write,
            ),
            ("POST", "/customer_tags_remove.json", O::RemoveTags, Write),
        ] {
            let found = find(method, &format!("{BASE}{path}")).unwrap();
            assert_eq!(found.route.operation, operation);
            assert_eq!(found.route.scope, scope);
            assert_eq!(found.version, &VERSION_20220901);
            if !path.contains("42") {
                assert_eq!(found.canonical_path(), format!("{BASE}{path}"));
            }
            if path.contains("42") {
                assert_eq!(found.customer_id(), Ok(&"42".into()));
            }
            if path.contains("addresses/a") {
                assert_eq!(found.address_id(), Ok(&"a".into()));
            }
        }
    }

    #[test]
    fn doubled_slashes_count_as_one() {
        for path in [
            "//admin/openapi/v20220901/customers/1.json",
            "/admin//openapi///v20220901//customers////1.json",
        ] {
            assert_eq!(operation("PUT", path), Ok(Operation::Update));
        }
    }

    #[test]
    fn all_else_is_unknown() {
        for (method, path) in [
            ("GET", ""),
            ("GET", "/"),
            ("GET", "/admin/openapi"),
            ("GET", "/admin/openapi/v20220901"),
            ("PUT", "/admin/openapi/v20220901/customers/1"),
            ("PUT", "/admin/openapi/v20220901/customers/1.json/"),
            ("PUT", "/admin/openapi/v20220901/customers/.json"),
            ("PUT", "/admin/openapi/v20220901/customers/1/2.json"),
            ("GET", "/admin/openapi/v20220901/customers/1.json"),
            ("POST", "/admin/openapi/v20220901/customers/1.json"),
            ("DELETE", "/admin/openapi/v20220901/customers/v2/1.json"),
            ("GET", "/admin/openapi/v20220901/customers.json"),
            ("GET", "/admin/openapi/v20220901/customers/count.json"),
            (
                "POST",
                "/admin/openapi/v20220901/customers/1/addresses/2.json",
            ),
            ("put", "/admin/openapi/v20220901/customers/1.json"),
            ("PUT", "/admin/openapi/v20220901/Customers/1.json"),
            ("PUT", "/Admin/openapi/v20220901/customers/1.json"),
            ("PUT", "/admin/openapi/v20220901/customers/%ff.json"),
            ("GET", "/admin/openapi/v20220901/products/1.json"),
        ] {
            let refused = operation(method, path).unwrap_err();
            assert_eq!(
                (refused.status(), refused),
                (404, ApiError::UnknownRoute),
                "{method} {path}"
            );
        }
    }

    #[test]
    fn the_go_client_may_write_an_address_id_first() {
        for path in ["42/addresses/SL1.json", "SL1/addresses/42.json"] {
            let found = find("GET", &format!("{BASE}/customers/{path}")).unwrap();
            assert_eq!(found.customer_id(), Ok(&"42".into()), "{path}");
            assert_eq!(found.address_id(), Ok(&"SL1".into()), "{path}");
        }
        let found = find("GET", &format!("{BASE}/customers/a/addresses/42.json")).unwrap();
        assert_eq!(found.customer_id(), Ok(&"a".into()));
    }

    #[test]
    fn another_version_is_unknown_whatever_follows() {
        for version in ["v20230902", "v1", "customers.json", "20220901"] {
            let refused = operation("PUT", &format!("/admin/openapi/{version}/customers/1.json"));
            assert_eq!(refused, Err(ApiError::UnknownVersion));
        }
    }

    #[test]
    fn an_id_is_decoded_and_at_most_64_characters_long() {
        let id = |encoded: &str| {
            find("PUT", &format!("{BASE}/customers/{encoded}.json"))
                .unwrap()
                .customer_id()
                .map(ToString::to_string)
        };
        assert_eq!(id("4201825054"), Ok("4201825054".to_owned()));
        assert_eq!(id("%34%32"), Ok("42".to_owned()));
        assert_eq!(id("a%2Fb"), Ok("a/b".to_owned()));
        assert_eq!(id("a.json"), Ok("a.json".to_owned()));
        assert_eq!(id(&"%C3%A4".repeat(64)), Ok("ä".repeat(64)));
        assert_eq!(id(&"1".repeat(65)), Err(ApiError::NoSuchData));
        assert_eq!(id("1%00"), Err(ApiError::NoSuchData));
    }

    proptest! {
        #[test]
        fn any_path_is_found_or_refused(method in "[A-Z]{0,7}", path in "[/%a-z0-9{}.]{0,60}|.*") {
            drop(find(&method, &path));
            drop(find("PUT", &format!("{BASE}/{path}")));
        }
    }
}
