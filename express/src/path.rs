//! Paths, as Express' router reads them.
//!
//! Source: Express 4 and path-to-regexp 0.1. A router is mounted under a prefix in any case, which
//! may have one slash more than it needs. Prefixes are compared as they were sent; a parameter is
//! percent-decoded. Cases `http-trailing-slash`, `http-path-case-insensitive`,
//! `http-bad-percent-encoding`.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// What is left of a path below a router's prefix: empty, or beginning with a slash.
pub fn mounted<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = path.split_at_checked(prefix.len())?;
    let rest = match rest.strip_prefix('/') {
        Some(after) if after.is_empty() || after.starts_with('/') => after,
        Some(_) | None => rest,
    };
    let ends_here = rest.is_empty() || rest.starts_with('/');
    (start.eq_ignore_ascii_case(prefix) && ends_here).then_some(rest)
}

/// `decodeURIComponent(text)`; `None` where that throws.
pub fn decode(text: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(text)
        .decode_utf8()
        .ok()
        .filter(|_| is_percent_encoded(text))
}

/// Whether each `%` stands before two hexadecimal digits, as `decodeURIComponent` demands.
pub(crate) fn is_percent_encoded(text: &str) -> bool {
    text.split('%').skip(1).all(|after| {
        let mut digits = after.chars().take(2);
        let is_hex = |char: Option<char>| char.is_some_and(|char| char.is_ascii_hexdigit());
        is_hex(digits.next()) && is_hex(digits.next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_in_any_case_and_may_have_one_slash_more() {
        for (path, rest) in [
            ("/admin", Some("")),
            ("/ADMIN/x", Some("/x")),
            ("/admin/", Some("")),
            ("/admin//x", Some("/x")),
            ("/admin///x", Some("//x")),
            ("/adminx", None),
            ("//admin", None),
            ("/adm", None),
            ("", None),
        ] {
            assert_eq!(mounted(path, "/admin"), rest, "{path}");
        }
    }

    #[test]
    fn a_parameter_is_decoded_or_refused() {
        for (text, decoded) in [
            ("a%20b%2Fc", Some("a b/c")),
            ("a+b", Some("a+b")),
            ("%E0%A4%A", None),
            ("%", None),
            ("%zz", None),
            ("%ff", None),
            ("%00", Some("\0")),
        ] {
            assert_eq!(decode(text).as_deref(), decoded, "{text}");
        }
    }
}
