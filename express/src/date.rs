//! Dates as JavaScript's `Date.parse(text)` reads them.
//!
//! Source: V8's `dateparser`: first the form of ECMAScript (a subset of ISO 8601), and where that
//! does not fit, whatever looks like a date: `1/2/2020`, `Feb 3 2020 10:00 PM GMT+2`. A date that
//! names no time zone is UTC, which is the zone that servers run in.

mod tokens;

use self::tokens::{Token, Tokens, Word};

/// Milliseconds since 1970 that a time can have at most.
const TIME_MAX: f64 = 8.64e15;
const DAY_MS: f64 = 86_400_000.0;

/// `Date.parse(text)`: milliseconds since 1970; `None` stands for `NaN`.
pub fn parse(text: &str) -> Option<f64> {
    let mut date = Parts::default();
    let mut tokens = Tokens::of(text);
    let mut token = match iso(&mut tokens, &mut date) {
        Iso::Refused => return None,
        Iso::Over => Token::End,
        Iso::Rest(token) => token,
    };
    let mut has_number = !date.day.values.is_empty();
    while token != Token::End {
        legacy(token, &mut tokens, &mut date, &mut has_number)?;
        token = tokens.next();
    }
    date.time()
}

/// What came of the strict form.
enum Iso {
    /// The whole text is of that form.
    Over,
    /// It began like one and went wrong where the loose form does not help either.
    Refused,
    /// It is not of that form from this token on.
    Rest(Token),
}

/// `[±yy]yyyy[-MM[-DD]][THH:mm[:ss[.sss]][Z|±hh:mm]]`.
fn iso(tokens: &mut Tokens<'_>, date: &mut Parts) -> Iso {
    if let Some(sign) = tokens.peek().sign() {
        let token = tokens.next();
        let Some(year) = tokens.peek().fixed(6) else {
            return Iso::Rest(token);
        };
        tokens.next();
        if sign < 0 && year == 0 {
            return Iso::Rest(token);
        }
        date.day.add(sign * year);
    } else if let Some(year) = tokens.peek().fixed(4) {
        tokens.next();
        date.day.add(year);
    } else {
        return Iso::Rest(tokens.next());
    }
    for range in [1..=12, 1..=31] {
        if !tokens.skip('-') {
            break;
        }
        match tokens.peek().fixed(2).filter(|n| range.contains(n)) {
            Some(number) => {
                tokens.next();
                date.day.add(number);
            }
            None => return Iso::Rest(tokens.next()),
        }
    }
    if tokens.peek() == Token::Word(Word::T) {
        tokens.next();
        if iso_time(tokens, date).is_none() || tokens.peek() != Token::End {
            return Iso::Refused;
        }
    } else if tokens.peek() != Token::End {
        return Iso::Rest(tokens.next());
    }
    date.day.is_iso = true;
    Iso::Over
}

fn iso_time(tokens: &mut Tokens<'_>, date: &mut Parts) -> Option<()> {
    let hour = tokens.next().fixed(2).filter(|n| (0..=24).contains(n))?;
    // 24:00 is the end of the day; no other time begins with 24.
    let is_end = |number: i32| hour == 24 && number > 0;
    let is_sixtieth = |n: &i32| (0..60).contains(n) && !is_end(*n);
    date.clock.add(hour);
    if !tokens.skip(':') {
        return None;
    }
    date.clock.add(tokens.next().fixed(2).filter(is_sixtieth)?);
    if tokens.skip(':') {
        date.clock.add(tokens.next().fixed(2).filter(is_sixtieth)?);
        if tokens.skip('.') {
            let fraction = tokens.next();
            if is_end(fraction.number()?) {
                return None;
            }
            date.clock.add(fraction.milliseconds()?);
        }
    }
    if tokens.peek().is_z() {
        tokens.next();
        date.zone.set(0);
    } else if let Some(sign) = tokens.peek().sign() {
        tokens.next();
        date.zone.sign = Some(sign);
        let (hour, minute) = if let Some(both) = tokens.peek().fixed(4) {
            tokens.next();
            (both / 100, both % 100)
        } else {
            let hour = tokens.next().fixed(2)?;
            if !tokens.skip(':') {
                return None;
            }
            (hour, tokens.next().fixed(2)?)
        };
        if hour >= 24 || minute >= 60 {
            return None;
        }
        (date.zone.hour, date.zone.minute) = (Some(hour), Some(minute));
    }
    Some(())
}

/// One token of the loose form; `None` where V8 gives up.
fn legacy(
    token: Token,
    tokens: &mut Tokens<'_>,
    date: &mut Parts,
    has_number: &mut bool,
) -> Option<()> {
    match token {
        Token::Number { value, length: _ } => {
            *has_number = true;
            legacy_number(value, tokens, date)
        }
        Token::Word(Word::Half(hours)) if !date.clock.values.is_empty() => {
            date.clock.half = Some(hours);
            Some(())
        }
        Token::Word(Word::Month(month)) => {
            date.day.month = Some(month);
            tokens.skip('-');
            Some(())
        }
        Token::Word(Word::Zone { hours, length: _ }) if *has_number => {
            date.zone.set(hours);
            Some(())
        }
        // Any other word may only stand before the first number, and apart from it.
        Token::Word(_) => {
            let is_apart = !*has_number && tokens.peek().number().is_none();
            is_apart.then_some(())
        }
        Token::Symbol('+' | '-') if date.zone.is_utc() || !date.clock.values.is_empty() => {
            date.zone.sign = token.sign();
            *has_number = true;
            legacy_offset(tokens, date)
        }
        Token::Symbol('+' | '-' | ')') if *has_number => None,
        Token::Symbol(_) | Token::Space | Token::Unknown | Token::End => Some(()),
    }
}

fn legacy_number(number: i32, tokens: &mut Tokens<'_>, date: &mut Parts) -> Option<()> {
    if tokens.skip(':') {
        if tokens.skip(':') {
            if !date.clock.values.is_empty() {
                return None;
            }
            date.clock.add(number);
            date.clock.add(0);
        } else {
            if !date.clock.add(number) {
                return None;
            }
            tokens.skip('.');
        }
    } else if tokens.skip('.') && date.clock.expects(number) {
        date.clock.add(number);
        date.clock.add(tokens.next().milliseconds()?);
        date.clock.fill();
    } else if date.zone.expects(number) {
        date.zone.minute = Some(number);
    } else if date.clock.expects(number) {
        date.clock.add(number);
        date.clock.fill();
        let next = tokens.peek();
        let ends = matches!(next, Token::End | Token::Space) || next.is_z();
        if !ends && next.sign().is_none() {
            return None;
        }
    } else {
        if !date.day.add(number) {
            return None;
        }
        tokens.skip('-');
    }
    Some(())
}

/// What follows a sign after a time or `UTC`: `2`, `02`, `0200` or `02:00`, or nothing.
fn legacy_offset(tokens: &mut Tokens<'_>, date: &mut Parts) -> Option<()> {
    let (number, length) = match tokens.peek() {
        Token::Number { value, length } => {
            tokens.next();
            (value, length)
        }
        Token::Word(_) | Token::Symbol(_) | Token::Space | Token::Unknown | Token::End => (0, 0),
    };
    let (hour, minute) = if tokens.peek() == Token::Symbol(':') {
        (number, None)
    } else {
        match length {
            1 | 2 => (number, Some(0)),
            3 | 4 => (number / 100, Some(number % 100)),
            _ => return None,
        }
    };
    (date.zone.hour, date.zone.minute) = (Some(hour), minute);
    Some(())
}

/// What is known of a date so far.
#[derive(Default)]
struct Parts {
    day: Day,
    clock: Clock,
    zone: Zone,
}

#[derive(Default)]
struct Day {
    values: Vec<i32>,
    month: Option<i32>,
    is_iso: bool,
}

#[derive(Default)]
struct Clock {
    values: Vec<i32>,
    /// 0 after `AM`, 12 after `PM`.
    half: Option<i32>,
}

#[derive(Default)]
struct Zone {
    sign: Option<i32>,
    hour: Option<i32>,
    minute: Option<i32>,
}

impl Day {
    fn add(&mut self, number: i32) -> bool {
        let has_room = self.values.len() < 3;
        if has_room {
            self.values.push(number);
        }
        has_room
    }

    /// Days since 1970.
    fn number(&self) -> Option<f64> {
        let is_day = |number: i32| (1..=31).contains(&number);
        let at = |index: usize| self.values.get(index).copied().unwrap_or(1);
        let (first, second, third) = (*self.values.first()?, at(1), at(2));
        let (year, month, day) = match self.month {
            // Month and day default to 1, as does the year.
            Some(month) if is_day(first) => (second, month, first),
            Some(month) => (first, month, second),
            None if self.is_iso || !is_day(first) => (first, second, third),
            None => (third, first, second),
        };
        let year = match year {
            0..=49 if !self.is_iso => year + 2000,
            50..=99 if !self.is_iso => year + 1900,
            _ => year,
        };
        ((1..=12).contains(&month) && is_day(day)).then(|| days(year, month) + f64::from(day - 1))
    }
}

impl Clock {
    fn add(&mut self, number: i32) -> bool {
        let has_room = self.values.len() < 4;
        if has_room {
            self.values.push(number);
        }
        has_room
    }

    fn fill(&mut self) {
        self.values.resize(4, 0);
    }

    fn expects(&self, number: i32) -> bool {
        match self.values.len() {
            1 | 2 => (0..60).contains(&number),
            3 => (0..1000).contains(&number),
            _ => false,
        }
    }

    fn milliseconds(&self) -> Option<f64> {
        let at = |index: usize| self.values.get(index).copied().unwrap_or(0);
        let (mut hour, minute, second, millisecond) = (at(0), at(1), at(2), at(3));
        if let Some(half) = self.half {
            if !(0..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + half;
        }
        let is_usual = (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..60).contains(&second)
            && (0..1000).contains(&millisecond);
        if !is_usual && (hour, minute, second, millisecond) != (24, 0, 0, 0) {
            return None;
        }
        let seconds = f64::from(hour * 3600 + minute * 60 + second);
        Some(seconds.mul_add(1000.0, f64::from(millisecond)))
    }
}

impl Zone {
    const fn set(&mut self, hours: i32) {
        self.sign = Some(if hours < 0 { -1 } else { 1 });
        self.hour = Some(hours.abs());
        self.minute = Some(0);
    }

    fn is_utc(&self) -> bool {
        self.hour == Some(0) && self.minute == Some(0)
    }

    fn expects(&self, number: i32) -> bool {
        self.hour.is_some() && self.minute.is_none() && (0..60).contains(&number)
    }

    fn milliseconds(&self) -> f64 {
        let part = |part: Option<i32>| f64::from(part.unwrap_or(0));
        let minutes = part(self.hour).mul_add(60.0, part(self.minute));
        self.sign.map_or(0.0, f64::from) * minutes * 60_000.0
    }
}

impl Parts {
    fn time(&self) -> Option<f64> {
        let day = self.day.number()?;
        let time = day.mul_add(DAY_MS, self.clock.milliseconds()?) - self.zone.milliseconds();
        (time.abs() <= TIME_MAX).then_some(time)
    }
}

/// Days from 1970 to the first of a month, in the Gregorian calendar of all times.
fn days(year: i32, month: i32) -> f64 {
    // Years that begin in March have their leap day at the end.
    let year = i64::from(year) - i64::from(month <= 2);
    let month = i64::from((month + 9) % 12);
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = year * 365 + leaps + (month * 153 + 2) / 5 - 719_468;
    #[expect(
        clippy::cast_precision_loss,
        reason = "at most 2³¹ years are below 2⁵² days"
    )]
    let days = days as f64;
    days
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What Node.js 20 itself made of each, in UTC.
    #[test]
    fn dates_are_read_as_v8_reads_them() {
        let recorded = include_str!("date/recorded.txt");
        let mut count = 0;
        for line in recorded.lines() {
            let (expected, text) = line.split_once('\t').unwrap();
            let text: String = serde_json::from_str(text).unwrap();
            assert_eq!(parse(&text), expected.parse().ok(), "{text:?}");
            count += 1;
        }
        assert!(count > 500, "{count}");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,30}|[-+0-9TZ:. /()]{0,30}") {
            parse(&text);
        }
    }
}
