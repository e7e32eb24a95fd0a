//! Which operation a path names, as Express' router reads it.
//!
//! An id is one segment, which may have one slash after it, and is percent-decoded, while the
//! prefixes are not. Cases `http-trailing-slash`,
//! `http-path-case-insensitive`, `http-bad-percent-encoding`.

use std::borrow::Cow;

use express::path::{decode, mounted};

/// What a path names.
///
/// A method that the operation does not have is the same as [`Route::Unknown`]. HEAD is there where
/// GET is. Everything but [`Route::NotAdmin`] is authenticated first, and OPTIONS is answered by
/// the cross-origin rules before that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// `/admin/customers`.
    Customers,
    /// `/admin/customers/{id}`.
    Customer(Cow<'a, str>),
    /// `/admin/customer-groups`.
    Groups,
    /// `/admin/customer-groups/{id}`.
    Group(Cow<'a, str>),
    /// `/admin/customer-groups/{id}/customers`.
    Members(Cow<'a, str>),
    /// `/admin/customer-groups/{id}/customers/batch`.
    MembersBatch(Cow<'a, str>),
    /// `/admin/auth`.
    Auth,
    /// `/admin/auth/token`.
    AuthToken,
    /// Something under `/admin` that there is not.
    Unknown,
    /// An id under `/admin` that cannot be decoded, or that PostgreSQL cannot look up: Medusa's
    /// unknown error, whatever the method.
    BadEncoding,
    /// A path outside `/admin`.
    NotAdmin,
}

/// Reads a path as it was sent, without the query.
pub fn route(path: &str) -> Route<'_> {
    let Some(rest) = mounted(path, "/admin") else {
        return Route::NotAdmin;
    };
    if let Some(rest) = mounted(rest, "/customers") {
        return leaf(rest, Route::Customers, |id, below| match below {
            "" => Some(Route::Customer(id)),
            _ => None,
        });
    }
    if let Some(rest) = mounted(rest, "/customer-groups") {
        return leaf(rest, Route::Groups, |id, below| {
            if below.is_empty() {
                Some(Route::Group(id))
            } else if below.eq_ignore_ascii_case("/customers") {
                Some(Route::Members(id))
            } else if below.eq_ignore_ascii_case("/customers/batch") {
                Some(Route::MembersBatch(id))
            } else {
                None
            }
        });
    }
    if let Some(rest) = mounted(rest, "/auth") {
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        return if rest.is_empty() {
            Route::Auth
        } else if rest.eq_ignore_ascii_case("/token") {
            Route::AuthToken
        } else {
            Route::Unknown
        };
    }
    Route::Unknown
}

/// The whole collection, or what `one` finds below it: an id, and the path below that without the
/// last slash.
fn leaf<'a>(
    rest: &'a str,
    all: Route<'a>,
    one: fn(Cow<'a, str>, &str) -> Option<Route<'a>>,
) -> Route<'a> {
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    if rest.is_empty() {
        return all;
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (id, below) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let decoded = decode(id).filter(|decoded| !decoded.contains('\0'));
    let is_decoded = decoded.is_some();
    match one(decoded.unwrap_or_default(), below) {
        Some(_) if id.is_empty() => Route::Unknown,
        Some(_) if !is_decoded => Route::BadEncoding,
        Some(route) => route,
        None => Route::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn customer(id: &str) -> Route<'_> {
        Route::Customer(id.into())
    }

    #[test]
    fn paths_are_routed_as_express_does() {
        for (path, expected) in [
            ("/admin/customers", Route::Customers),
            ("/admin/customers/", Route::Customers),
            ("/admin/customers//", Route::Customers),
            ("/admin//customers", Route::Customers),
            ("/ADMIN/Customers/cus_1", customer("cus_1")),
            ("/admin/customers/cus_1/", customer("cus_1")),
            ("/admin/customers//cus_1", customer("cus_1")),
            ("/admin/customers/Cus_A", customer("Cus_A")),
            ("/admin/customers/a%20b%2Fc", customer("a b/c")),
            ("/admin/customers/a+b", customer("a+b")),
            ("/admin/customer-groups", Route::Groups),
            ("/admin/customer-groups/x", Route::Group("x".into())),
            (
                "/admin/customer-groups/x/customers",
                Route::Members("x".into()),
            ),
            (
                "/admin/customer-groups/x%20y/Customers/BATCH/",
                Route::MembersBatch("x y".into()),
            ),
            ("/admin/auth", Route::Auth),
            ("/admin//Auth/", Route::Auth),
            ("/admin/auth/token/", Route::AuthToken),
            ("/admin/auth/tokens", Route::Unknown),
            ("/admin/customer-groups/x//customers", Route::Unknown),
            ("/admin/customer-groups/x/customers/batch//", Route::Unknown),
            ("/admin/customer-groups/%/customers", Route::BadEncoding),
            ("/admin/customer-groups/%/no", Route::Unknown),
            ("/admin", Route::Unknown),
            ("/admin/", Route::Unknown),
            ("/admin/no-such-thing", Route::Unknown),
            ("/admin///customers", Route::Unknown),
            ("/admin/customers///", Route::Unknown),
            ("/admin/customers/cus_1//", Route::Unknown),
            ("/admin/customers/cus_1/addresses", Route::Unknown),
            ("/admin/./customers", Route::Unknown),
            ("/admin/%63ustomers", Route::Unknown),
            ("/admin/customersx", Route::Unknown),
            ("/admin/customers/%E0%A4%A", Route::BadEncoding),
            ("/admin/customers/%00", Route::BadEncoding),
            ("/admin/customers/%", Route::BadEncoding),
            ("//admin/customers", Route::NotAdmin),
            ("/admin%2Fcustomers", Route::NotAdmin),
            ("/adminx", Route::NotAdmin),
            ("/%", Route::NotAdmin),
            ("", Route::NotAdmin),
        ] {
            assert_eq!(route(path), expected, "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_path_panics(path in "/admin[/%a-z0é]{0,20}") {
            route(&path);
        }
    }
}
