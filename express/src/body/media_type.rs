//! A `Content-Type`, as strictly as media-typer 0.3 and content-type 1 read it: where they find a
//! fault, the body is not JSON, and the request goes on without one.

/// A content type, in lower case.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MediaType {
    /// Type and subtype, such as `application/json`.
    pub(super) essence: String,
    /// The last parameter `charset`, unquoted.
    pub(super) charset: Option<String>,
}

/// Reads a content type. `None` where anything is not as the grammar says, a trailing semicolon
/// included.
pub(super) fn parse(text: &str) -> Option<MediaType> {
    let (essence, parameters) = match text.find(';') {
        Some(at) => text.split_at_checked(at)?,
        None => (text, ""),
    };
    let essence = essence.trim_matches(' ').to_ascii_lowercase();
    let (main, sub) = essence.split_once('/')?;
    if !is_name(main, "!#$&^_-") || !is_name(sub, "!#$&^_.+-") {
        return None;
    }
    let mut charset = None;
    let mut rest = parameters;
    while !rest.is_empty() {
        let (name, value, after) = parameter(rest)?;
        if name.eq_ignore_ascii_case("charset") {
            charset = Some(value.to_ascii_lowercase());
        }
        rest = after;
    }
    Some(MediaType { essence, charset })
}

/// One parameter with its semicolon, and what follows it.
fn parameter(text: &str) -> Option<(&str, String, &str)> {
    let text = text.strip_prefix(';')?.trim_start_matches(' ');
    let (name, rest) = token(text)?;
    let rest = rest.trim_start_matches(' ').strip_prefix('=')?;
    let rest = rest.trim_start_matches(' ');
    let (value, rest) = match rest.strip_prefix('"') {
        Some(quoted) => unquote(quoted)?,
        None => token(rest).map(|(value, rest)| (value.to_owned(), rest))?,
    };
    Some((name, value, rest.trim_start_matches(' ')))
}

fn token(text: &str) -> Option<(&str, &str)> {
    let is_token = |char: char| char.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(char);
    let end = text.find(|char| !is_token(char)).unwrap_or(text.len());
    text.split_at_checked(end)
        .filter(|(token, _)| !token.is_empty())
}

/// The rest of a quoted text, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut unquoted = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some((unquoted, chars.as_str())),
            '\\' => unquoted.push(chars.next()?),
            char if char.is_control() => return None,
            char => unquoted.push(char),
        }
    }
}

fn is_name(name: &str, marks: &str) -> bool {
    let fits = |char: char| char.is_ascii_alphanumeric() || marks.contains(char);
    name.starts_with(|char: char| char.is_ascii_alphanumeric())
        && name.len() <= 127
        && name.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_well_formed_is_read() {
        for (text, charset) in [
            ("application/json", None),
            (" APPLICATION/JSON ", None),
            ("application/json ;charset=utf-8", Some("utf-8")),
            ("application/json;a=b; CharSet = UTF-8 ", Some("utf-8")),
            (
                "application/json;charset=utf-8;charset=latin1",
                Some("latin1"),
            ),
            (r#"application/json; charset="utf\-8""#, Some("utf-8")),
        ] {
            let media_type = parse(text).unwrap();
            assert_eq!(media_type.essence, "application/json");
            assert_eq!(media_type.charset.as_deref(), charset, "{text}");
        }
    }

    #[test]
    fn a_fault_makes_it_no_type_at_all() {
        for text in [
            "",
            "json",
            "application/json;",
            "application/json; charset=",
            "application/json; charset=utf-8; x",
            "application/json, text/plain",
            "application/json; charset=\"utf-8",
            "application/json; charset=utf-8:1234",
            "application/json/x",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*") {
            parse(&text);
        }
    }
}
