//! The charsets of a JSON body: those whose name begins with `utf-`.
//!
//! Source: iconv-lite. Bytes that are no character become U+FFFD, a byte order mark is dropped.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    Utf7,
    Utf8,
    /// UTF-16; without an endianness, the text itself has to tell.
    Utf16(Option<Endian>),
    /// UTF-32, likewise.
    Utf32(Option<Endian>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endian {
    Little,
    Big,
}

/// The charset of a name in lower case; punctuation in the name does not count.
pub(super) fn named(name: &str) -> Option<Charset> {
    let rest: String = name
        .strip_prefix("utf-")?
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    Some(match rest.as_str() {
        "7" => Charset::Utf7,
        "8" => Charset::Utf8,
        "16" => Charset::Utf16(None),
        "16le" => Charset::Utf16(Some(Endian::Little)),
        "16be" => Charset::Utf16(Some(Endian::Big)),
        "32" => Charset::Utf32(None),
        "32le" => Charset::Utf32(Some(Endian::Little)),
        "32be" => Charset::Utf32(Some(Endian::Big)),
        _ => return None,
    })
}

impl Charset {
    /// The text of the bytes, without a byte order mark.
    pub(super) fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        let text = match self {
            Self::Utf7 => Cow::Owned(utf7(bytes)),
            Self::Utf8 => String::from_utf8_lossy(bytes),
            Self::Utf16(endian) => Cow::Owned(utf16(bytes, endian)),
            Self::Utf32(endian) => Cow::Owned(utf32(bytes, endian)),
        };
        match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text)),
            Cow::Owned(mut text) => {
                if text.starts_with('\u{feff}') {
                    text.remove(0);
                }
                Cow::Owned(text)
            }
        }
    }
}

fn utf16(bytes: &[u8], endian: Option<Endian>) -> String {
    let units = |endian| {
        bytes.as_chunks().0.iter().map(move |&pair| match endian {
            Endian::Little => u16::from_le_bytes(pair),
            Endian::Big => u16::from_be_bytes(pair),
        })
    };
    let endian = endian.unwrap_or_else(|| {
        let score = |endian| plausible(units(endian).map(u32::from));
        endian_of(score(Endian::Little), score(Endian::Big))
    });
    char::decode_utf16(units(endian))
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

fn utf32(bytes: &[u8], endian: Option<Endian>) -> String {
    let points = |endian| {
        bytes.as_chunks().0.iter().map(move |&four| match endian {
            Endian::Little => u32::from_le_bytes(four),
            Endian::Big => u32::from_be_bytes(four),
        })
    };
    let endian = endian.unwrap_or_else(|| {
        let score = |endian| plausible(points(endian));
        endian_of(score(Endian::Little), score(Endian::Big))
    });
    points(endian)
        .map(|point| char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// How plausible a reading of the bytes is: a byte order mark beats everything, else ASCII counts,
/// of which JSON is mostly made.
fn plausible(points: impl Iterator<Item = u32>) -> usize {
    let mut points = points.peekable();
    if points.peek() == Some(&0xfeff) {
        return usize::MAX;
    }
    points.filter(|point| (1..0x80).contains(point)).count()
}

const fn endian_of(little: usize, big: usize) -> Endian {
    if big > little {
        Endian::Big
    } else {
        Endian::Little
    }
}

/// Base64 as UTF-7 writes it: without padding, the last bits may be anything.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// UTF-7, RFC 2152: `+`, UTF-16 in base64, and `-`, which may be left out where no base64 follows.
fn utf7(bytes: &[u8]) -> String {
    let ascii: String = bytes
        .iter()
        .map(|&byte| {
            if byte.is_ascii() {
                char::from(byte)
            } else {
                char::REPLACEMENT_CHARACTER
            }
        })
        .collect();
    let mut parts = ascii.split('+');
    let mut text = parts.next().unwrap_or_default().to_owned();
    let is_base64 = |char: char| char.is_ascii_alphanumeric() || char == '/';
    // A `+` is base64 as well, so a part may go on in the next: iconv-lite ends it there too.
    for part in parts {
        let end = part.find(|char| !is_base64(char)).unwrap_or(part.len());
        let (shifted, rest) = part.split_at_checked(end).unwrap_or((part, ""));
        let plain = rest.strip_prefix('-');
        if shifted.is_empty() && plain.is_some() {
            text.push('+');
        } else {
            text.push_str(&shifted_text(shifted));
        }
        text.push_str(plain.unwrap_or(rest));
    }
    text
}

fn shifted_text(shifted: &str) -> String {
    // A length of 4n + 1 cannot be base64; its last character carries no whole byte.
    let whole = shifted.len() - usize::from(shifted.len() % 4 == 1);
    let bytes = BASE64
        .decode(shifted.get(..whole).unwrap_or_default())
        .unwrap_or_default();
    utf16(&bytes, Some(Endian::Big))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(name: &str, bytes: &[u8]) -> String {
        named(name).unwrap().decode(bytes).into_owned()
    }

    fn utf16_bytes(text: &str, endian: Endian) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| match endian {
                Endian::Little => unit.to_le_bytes(),
                Endian::Big => unit.to_be_bytes(),
            })
            .collect()
    }

    #[test]
    fn utf8_replaces_what_is_none() {
        assert_eq!(decode("utf-8", b"{\"a\xffb\"}"), "{\"a\u{fffd}b\"}");
        assert_eq!(decode("utf-8", b"\xef\xbb\xbf{}"), "{}");
        assert_eq!(decode("utf-8", b"\xef\xbb\xbf\xef\xbb\xbf{}"), "\u{feff}{}");
    }

    #[test]
    fn utf16_finds_its_endianness() {
        for marked in ["{\"a\":\"é😀\"}", "\u{feff}{\"a\":\"é😀\"}"] {
            for (name, endian) in [
                ("utf-16", Endian::Little),
                ("utf-16", Endian::Big),
                ("utf-16le", Endian::Little),
                ("utf-16be", Endian::Big),
            ] {
                let bytes = utf16_bytes(marked, endian);
                assert_eq!(decode(name, &bytes), "{\"a\":\"é😀\"}", "{name}");
            }
        }
        assert_eq!(decode("utf-16le", &[0x7b, 0, 0, 0xd8, 0x7d]), "{\u{fffd}");
    }

    #[test]
    fn utf32_finds_its_endianness() {
        let text = "{\"a\":\"é😀\"}";
        let bytes = |of: fn(u32) -> [u8; 4]| -> Vec<u8> {
            text.chars().flat_map(|char| of(u32::from(char))).collect()
        };
        assert_eq!(decode("utf-32", &bytes(u32::to_le_bytes)), text);
        assert_eq!(decode("utf-32", &bytes(u32::to_be_bytes)), text);
        assert_eq!(decode("utf-32be", &bytes(u32::to_be_bytes)), text);
        assert_eq!(decode("utf-32le", &[0, 0xd8, 0, 0]), "\u{fffd}");
    }

    #[test]
    fn utf7_shifts_into_base64() {
        assert_eq!(
            decode("utf-7", br#"{"a":"+AOk-+-x+2D3eAA-","b":"+AOk"}"#),
            r#"{"a":"é+x😀","b":"é"}"#
        );
        assert_eq!(decode("utf-7", br#"+AHs-"a":1}"#), r#"{"a":1}"#);
        assert_eq!(decode("utf-7", b"+A"), "");
    }

    #[test]
    fn punctuation_in_the_name_does_not_count() {
        assert_eq!(named("utf--8"), Some(Charset::Utf8));
        assert_eq!(named("utf8"), None);
        assert_eq!(named("latin1"), None);
    }
}
