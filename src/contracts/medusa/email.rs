//! What Medusa takes for an e-mail address.
//!
//! Source: validator.js 13, `isEmail` with its defaults, and `isFQDN`; the recorded cases
//! `update-email-valid-*` and `update-email-invalid-*`. JavaScript counts UTF-16 units and knows a
//! character beyond U+FFFF as two units of U+D800 to U+DFFF.

/// The longest address, in UTF-16 units.
const EMAIL_UNITS_MAX: usize = 254;
/// The longest part before the `@`, in bytes.
const LOCAL_BYTES_MAX: usize = 64;
/// The longest label of a domain, in UTF-16 units.
const LABEL_UNITS_MAX: usize = 63;

/// Whether a text is an e-mail address.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    units(text) <= EMAIL_UNITS_MAX
        && local.len() <= LOCAL_BYTES_MAX
        && domain.len() <= EMAIL_UNITS_MAX
        && is_domain(domain)
        && is_local(local)
}

/// The address as Medusa stores it on create: lower case, as `toLowerCase` makes it. Rust follows
/// the same Unicode rules: the final sigma, and `İ` as two characters.
pub(crate) fn lower_case(email: &str) -> String {
    email.to_lowercase()
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn is_local(local: &str) -> bool {
    let quoted = local
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match quoted {
        _ if local == "\"" => true, // To JavaScript both quotes are there, with nothing between.
        Some(quoted) => is_quoted(quoted),
        None => local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.chars().all(is_atom)),
    }
}

fn is_atom(char: char) -> bool {
    char.is_ascii_alphanumeric()
        || "!#$%&'*+-/=?^_`{|}~".contains(char)
        || (char >= '\u{a1}' && is_letter_like(char))
}

/// Inside quotes: anything but NUL, a quote and a backslash; after a backslash, those two as well.
fn is_quoted(text: &str) -> bool {
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        let fits = match char {
            '\\' => chars.next().is_some_and(|escaped| {
                escaped != '\n' && (is_quotable(escaped) || escaped == '"' || escaped == '\\')
            }),
            plain => is_quotable(plain),
        };
        if !fits {
            return false;
        }
    }
    true
}

fn is_quotable(char: char) -> bool {
    !matches!(char, '\0' | '"' | '\\') && (char.is_ascii() || is_letter_like(char))
}

fn is_letter_like(char: char) -> bool {
    matches!(
        char,
        '\u{a0}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{ffef}'
    )
}

fn is_domain(domain: &str) -> bool {
    domain
        .rsplit_once('.')
        .is_some_and(|(_, top)| is_top_level(top))
        && domain.split('.').all(is_label)
}

fn is_top_level(label: &str) -> bool {
    let letters = units(label) >= 2
        && label.chars().all(|char| {
            let letter = char >= '\u{a1}' && char != '\u{a9}' && is_letter_like(char);
            char.is_ascii_alphabetic() || (letter && !is_space(char))
        });
    let punycode = label
        .get(..2)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case("xn"))
        && label.len() >= 4
        && label
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || char == '-');
    letters || punycode
}

/// JavaScript's `\s` beyond ASCII, as far as the top-level domain's letters contain it.
fn is_space(char: char) -> bool {
    matches!(
        char,
        '\u{1680}' | '\u{2000}'
            ..='\u{200a}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{202f}'
                | '\u{205f}'
                | '\u{3000}'
                | '\u{feff}'
    )
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && units(label) <= LABEL_UNITS_MAX
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|char| {
            let full_width = ('\u{ff01}'..='\u{ff5e}').contains(&char);
            char.is_ascii_alphanumeric() || char == '-' || (char >= '\u{a1}' && !full_width)
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_recorded_valid_ones_are_valid() {
        let label = "d".repeat(60);
        for email in [
            "a+b@example.com",
            "ü.r1@example.com",
            "a.r1@exämple.com",
            "a.r1@例え.jp",
            "o'neil.r1@example.com",
            "a.r1@sub.example.co.uk",
            "A.R1@EXAMPLE.COM",
            "!#$%&*+/=?^_`{|}~-r1@example.com",
            "a.r1@xn--exmple-cua.com",
            "\"a r1\"@example.com",
            &format!("{}.r1@example.com", "x".repeat(50)),
            &format!("x@{label}.{label}.{label}.r1.com"),
        ] {
            assert!(is_email(email), "{email}");
        }
    }

    #[test]
    fn the_recorded_invalid_ones_are_invalid() {
        for email in [
            "a@b",
            "@example.com",
            "a@",
            "a",
            " a@example.com",
            "a@example.com ",
            "Al <a@example.com>",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a..b@example.com",
            ".a@example.com",
            "a@-example.com",
            "a@example..com",
            "a@exa_mple.com",
            "a@example.c",
            "a@example.123",
            "a@b@example.com",
            "a b@example.com",
            &format!("{}@example.com", "a".repeat(65)),
            &format!("a@{}.com", "b".repeat(64)),
            "a,b@example.com",
            "a@example.com.",
            "",
        ] {
            assert!(!is_email(email), "{email}");
        }
    }

    #[test]
    fn quotes_and_odd_characters_follow_the_validator() {
        for (email, valid) in [
            ("\"@example.com", true),
            ("\"\"@example.com", true),
            ("\"a\\\"b\"@example.com", true),
            ("\"a\"b\"@example.com", false),
            ("\"a\\\n\"@example.com", false),
            ("\"\\\u{a0}\"@example.com", true),
            ("😀@example.com", false),
            ("a@😀.com", true),
            ("a@x.😀", false),
            ("a@ｆull.com", false),
            ("a@x.©©", false),
            ("a@x.xn-a", true),
            ("a@x.XN12", true),
            ("a@x.xn1", false),
            ("a@x.c1", false),
            ("\u{a0}@example.com", false),
            ("a@x.\u{3000}\u{3000}", false),
        ] {
            assert_eq!(is_email(email), valid, "{email:?}");
        }
    }

    #[test]
    fn length_is_counted_as_javascript_counts() {
        let labels = format!("{0}.{0}.{0}.{0}", "d".repeat(56));
        for (units, valid) in [(EMAIL_UNITS_MAX, true), (EMAIL_UNITS_MAX + 1, false)] {
            let local = "x".repeat(units - labels.len() - "@.com".len());
            let email = format!("{local}@{labels}.com");
            assert_eq!((email.len(), is_email(&email)), (units, valid));
        }
        for (length, valid) in [(32, true), (33, false)] {
            let email = format!("{}@example.com", "ü".repeat(length));
            assert_eq!(is_email(&email), valid, "two bytes each");
        }
    }

    #[test]
    fn lower_case_is_javascripts() {
        for (given, lowered) in [
            ("ΑΣ@x.com", "ας@x.com"),
            ("ΑΣΑ@x.com", "ασα@x.com"),
            ("x@ΑΣ.com", "x@ασ.com"),
            ("İ@x.com", "i\u{307}@x.com"),
            ("Alice@Example.COM", "alice@example.com"),
        ] {
            assert_eq!(lower_case(given), lowered);
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*@\\PC*") {
            is_email(&text);
        }
    }
}
