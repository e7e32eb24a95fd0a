//! The HTML pages with which Express itself refuses.

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

/// What there is no route for.
pub(super) fn cannot(method: &str, path: &str) -> String {
    page(&escape(&format!("Cannot {method} {}", encode_path(path))))
}

/// The page of Express' finalhandler, outside development.
pub(super) fn page(text: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>Error</title>\n</head>\n<body>\n<pre>{text}</pre>\n</body>\n</html>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A path as finalhandler shows it (encodeurl): what is not allowed in a URL is percent-encoded,
/// what is encoded already stays. Node.js takes each byte for a character.
fn encode_path(path: &str) -> String {
    let mut encoded = String::new();
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let mut after = bytes.clone();
        let is_encoded = byte == b'%'
            && (0..2).all(|_| after.next().is_some_and(|digit| digit.is_ascii_hexdigit()));
        if is_encoded || byte.is_ascii_alphanumeric() || b"!#$&'()*+,-./:;=?@[]_~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let char = char::from(byte).to_string();
            encoded.extend(percent_encode(char.as_bytes(), NON_ALPHANUMERIC));
        }
    }
    encoded
}
