//! The pieces that a date is made of.

use crate::number::is_space;

/// One piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Digits: the first nine that count, and how many there are.
    Number {
        value: i32,
        length: usize,
    },
    Word(Word),
    /// `:`, `-`, `+`, `.` or `)`.
    Symbol(char),
    Space,
    /// Anything else, also what stands in parentheses.
    Unknown,
    End,
}

/// What a word says, by its first three letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Month(i32),
    /// `AM` or `PM`: hours to add.
    Half(i32),
    Zone {
        hours: i32,
        length: usize,
    },
    /// The `T` between a date and a time.
    T,
    Other,
}

impl Token {
    pub(super) const fn number(self) -> Option<i32> {
        match self {
            Self::Number { value, length: _ } => Some(value),
            Self::Word(_) | Self::Symbol(_) | Self::Space | Self::Unknown | Self::End => None,
        }
    }

    /// A number of so many digits.
    pub(super) fn fixed(self, digits: usize) -> Option<i32> {
        match self {
            Self::Number { value, length } => (length == digits).then_some(value),
            Self::Word(_) | Self::Symbol(_) | Self::Space | Self::Unknown | Self::End => None,
        }
    }

    pub(super) const fn sign(self) -> Option<i32> {
        match self {
            Self::Symbol('+') => Some(1),
            Self::Symbol('-') => Some(-1),
            Self::Number { .. }
            | Self::Word(_)
            | Self::Symbol(_)
            | Self::Space
            | Self::Unknown
            | Self::End => None,
        }
    }

    pub(super) fn is_z(self) -> bool {
        self == Self::Word(Word::Zone {
            hours: 0,
            length: 1,
        })
    }

    /// Digits after a point, as thousandths of a second.
    pub(super) fn milliseconds(self) -> Option<i32> {
        let Self::Number { value, length } = self else {
            return None;
        };
        Some(match length {
            1 => value * 100,
            2 => value * 10,
            _ => (3..length.min(DIGITS_MAX)).fold(value, |value, _| value / 10),
        })
    }
}

/// Digits beyond so many do not count.
const DIGITS_MAX: usize = 9;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const ZONES: [(&str, i32); 12] = [
    ("ut", 0),
    ("utc", 0),
    ("z", 0),
    ("gmt", 0),
    ("cdt", -5),
    ("cst", -6),
    ("edt", -4),
    ("est", -5),
    ("mdt", -6),
    ("mst", -7),
    ("pdt", -7),
    ("pst", -8),
];

/// The rest of a text, one token ahead.
pub(super) struct Tokens<'a> {
    rest: &'a str,
    next: Token,
}

impl<'a> Tokens<'a> {
    /// V8 takes U+0000 for the end.
    pub(super) fn of(text: &'a str) -> Self {
        let text = text.split('\0').next().unwrap_or_default();
        let mut tokens = Self {
            rest: text,
            next: Token::End,
        };
        tokens.next();
        tokens
    }

    pub(super) const fn peek(&self) -> Token {
        self.next
    }

    pub(super) fn next(&mut self) -> Token {
        let (next, rest) = scan(self.rest);
        self.rest = rest;
        std::mem::replace(&mut self.next, next)
    }

    /// Skips a symbol, if it is next.
    pub(super) fn skip(&mut self, symbol: char) -> bool {
        let is_next = self.next == Token::Symbol(symbol);
        if is_next {
            self.next();
        }
        is_next
    }
}

fn scan(text: &str) -> (Token, &str) {
    let Some(first) = text.chars().next() else {
        return (Token::End, "");
    };
    let after = || text.strip_prefix(first).unwrap_or_default();
    let up_to = |end: &dyn Fn(char) -> bool| {
        let length = text.find(end).unwrap_or(text.len());
        text.split_at(length)
    };
    if first.is_ascii_digit() {
        let (digits, rest) = up_to(&|char| !char.is_ascii_digit());
        return (number(digits), rest);
    }
    if ":-+.)".contains(first) {
        return (Token::Symbol(first), after());
    }
    if is_letter(first) {
        let (letters, rest) = up_to(&|char| !is_letter(char));
        return (Token::Word(word(letters)), rest);
    }
    if is_space(first) {
        return (Token::Space, after());
    }
    if first == '(' {
        return (Token::Unknown, after_parentheses(text));
    }
    (Token::Unknown, after())
}

/// Whatever V8 takes for one: all from `A` on, also what ends a line beyond ASCII.
fn is_letter(char: char) -> bool {
    char >= 'A' && (!is_space(char) || "\u{2028}\u{2029}".contains(char))
}

fn number(digits: &str) -> Token {
    let value = digits.trim_start_matches('0').chars().take(DIGITS_MAX);
    let value = value.filter_map(|digit| digit.to_digit(10)?.try_into().ok());
    Token::Number {
        value: value.fold(0, |number: i32, digit: i32| number * 10 + digit),
        length: digits.len(),
    }
}

fn word(letters: &str) -> Word {
    // V8 counts what UTF-16 has for a letter, and compares the first three.
    let length = letters.encode_utf16().count();
    let start: String = letters.chars().take(3).collect();
    let start = start.to_ascii_lowercase();
    if let Some(at) = MONTHS.iter().position(|month| *month == start) {
        return Word::Month(i32::try_from(at).unwrap_or_default() + 1);
    }
    if length > 3 {
        return Word::Other;
    }
    match start.as_str() {
        "am" => Word::Half(0),
        "pm" => Word::Half(12),
        "t" => Word::T,
        name => ZONES
            .iter()
            .find(|(zone, _)| *zone == name)
            .map_or(Word::Other, |(_, hours)| Word::Zone {
                hours: *hours,
                length,
            }),
    }
}

fn after_parentheses(text: &str) -> &str {
    let mut open = 0_usize;
    for (at, char) in text.char_indices() {
        match char {
            '(' => open += 1,
            ')' => open = open.saturating_sub(1),
            _ => {}
        }
        if open == 0 {
            return text.get(at + char.len_utf8()..).unwrap_or_default();
        }
    }
    ""
}
