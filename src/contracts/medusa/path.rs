//! Which operation a path names, as Express' router reads it.
//!
//! Source: Express 4 and path-to-regexp 0.1. A router is mounted under a prefix in any case, which
//! may have one slash more than it needs; an id is one segment, which may have one slash after it,
//! and is percent-decoded, while the prefixes are not. Cases `http-trailing-slash`,
//! `http-path-case-insensitive`, `http-bad-percent-encoding`.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::query::is_percent_encoded;

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
        return leaf(rest, Route::Customers, Route::Customer);
    }
    if let Some(rest) = mounted(rest, "/customer-groups") {
        return leaf(rest, Route::Groups, Route::Group);
    }
    Route::Unknown
}

/// What is left of a path below a router's prefix: empty, or beginning with a slash.
fn mounted<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = path.split_at_checked(prefix.len())?;
    let rest = match rest.strip_prefix('/') {
        Some(after) if after.is_empty() || after.starts_with('/') => after,
        Some(_) | None => rest,
    };
    let ends_here = rest.is_empty() || rest.starts_with('/');
    (start.eq_ignore_ascii_case(prefix) && ends_here).then_some(rest)
}

/// The whole collection, or one of it by id.
fn leaf<'a>(rest: &'a str, all: Route<'a>, one: fn(Cow<'a, str>) -> Route<'a>) -> Route<'a> {
    let segment = rest.strip_prefix('/').unwrap_or(rest);
    if segment.is_empty() {
        return all;
    }
    let id = segment.strip_suffix('/').unwrap_or(segment);
    if id.is_empty() || id.contains('/') {
        return Route::Unknown;
    }
    match percent_decode_str(id).decode_utf8() {
        Ok(decoded) if is_percent_encoded(id) && !decoded.contains('\0') => one(decoded),
        Ok(_) | Err(_) => Route::BadEncoding,
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
