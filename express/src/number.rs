//! Numbers as JavaScript's `Number(text)` reads them.
//!
//! Source: Node.js 20.

/// What JavaScript trims from both ends of a text before it reads a number: white space and ends of
/// lines.
pub(crate) const fn is_space(char: char) -> bool {
    matches!(
        char,
        '\u{9}'..='\u{d}'
            | ' '
            | '\u{a0}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200a}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{202f}'
            | '\u{205f}'
            | '\u{3000}'
            | '\u{feff}'
    )
}

/// `Number(text)`; `None` stands for `NaN`. An empty text is 0.
pub fn parse(text: &str) -> Option<f64> {
    let text = text.trim_matches(is_space);
    if text.is_empty() {
        return Some(0.0);
    }
    for (prefixes, radix) in [(["0x", "0X"], 16), (["0o", "0O"], 8), (["0b", "0B"], 2)] {
        let digits = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix));
        if let Some(digits) = digits {
            return in_radix(digits, radix);
        }
    }
    let (sign, unsigned) = match text.strip_prefix(['+', '-']) {
        Some(rest) if text.starts_with('-') => (-1.0, rest),
        Some(rest) => (1.0, rest),
        None => (1.0, text),
    };
    if unsigned == "Infinity" {
        return Some(sign * f64::INFINITY);
    }
    // Rust also reads `inf`, `nan` and the like.
    let is_decimal = |char: char| char.is_ascii_digit() || "+-.eE".contains(char);
    if !unsigned.starts_with(|char: char| char.is_ascii_digit() || char == '.')
        || !unsigned.chars().all(is_decimal)
    {
        return None;
    }
    unsigned.parse::<f64>().ok().map(|number| sign * number)
}

/// `String(number)`: the shortest form that reads back, in JavaScript's notation.
pub fn to_text(number: f64) -> String {
    ryu_js::Buffer::new().format(number).to_owned()
}

/// Digits after `0x` and the like, which take no sign.
fn in_radix(digits: &str, radix: u32) -> Option<f64> {
    if digits.is_empty() {
        return None;
    }
    digits.chars().try_fold(0.0, |number: f64, digit| {
        Some(number.mul_add(f64::from(radix), f64::from(digit.to_digit(radix)?)))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What Node.js 20 itself made of each.
    #[test]
    fn texts_are_numbers_as_in_javascript() {
        for (text, expected) in [
            ("", Some(0.0)),
            (" \t\u{a0}\u{feff}", Some(0.0)),
            ("5", Some(5.0)),
            (" 5\n", Some(5.0)),
            ("1e1", Some(10.0)),
            ("1E+1", Some(10.0)),
            ("0x10", Some(16.0)),
            ("0B11", Some(3.0)),
            ("0o17", Some(15.0)),
            ("1.5", Some(1.5)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("-1", Some(-1.0)),
            ("+1", Some(1.0)),
            ("007", Some(7.0)),
            ("1e400", Some(f64::INFINITY)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            (".", None),
            ("-", None),
            ("+-1", None),
            ("e1", None),
            ("1e", None),
            ("1 2", None),
            ("1_0", None),
            ("-0x10", None),
            ("0x", None),
            ("0xg", None),
            ("inf", None),
            ("infinity", None),
            ("NaN", None),
            ("null", None),
            ("abc", None),
            ("\u{200b}5", None),
            ("٣", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    /// What Node.js 20 itself made of each.
    #[test]
    fn numbers_are_texts_as_in_javascript() {
        for (number, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.5, "1.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(to_text(number), expected);
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,30}|[-+0-9.exobEI ]{0,12}") {
            if let Some(number) = parse(&text) {
                prop_assert!(!number.is_nan());
            }
        }
    }
}
