//! Points in time, as people write them.

use events::ids::Position;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// A point of the ledger's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Right after the record at this position.
    Position(Position),
    /// Right after the last record, in the order of positions, that is not later than this.
    Time(Timestamp),
}

/// A text that is no point in time. What it is, it does not say: a caller's mistake may hold anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no point in time: write a position (1093), a time with its offset \
     (2026-03-01T10:00:00Z), a date (2026-03-01, its beginning in UTC) or how long ago (2 hours ago)"
)]
pub struct NoTime;

impl When {
    /// Reads a point in time: a bare number is a position; `2 hours ago` counts from `now`, days and
    /// longer by the calendar of UTC.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, NoTime> {
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text
                .parse()
                .map(Self::Position)
                .map_err(|_too_large| NoTime);
        }
        let time = if text == "now" {
            Some(now)
        } else if let Ok(time) = text.parse() {
            Some(time)
        } else if let Some((date, zone)) =
            text.split_once(' ').filter(|(date, _)| date.contains('T'))
        {
            // In a query a plus sign is a space.
            format!("{date}+{zone}").parse().ok()
        } else if let Ok(date) = Date::strptime("%Y-%m-%d", text) {
            // Parsing as such would also take a time without its offset, and lose the time.
            date.to_zoned(TimeZone::UTC)
                .ok()
                .map(|zoned| zoned.timestamp())
        } else {
            ago(text, now)
        };
        time.map(Self::Time).ok_or(NoTime)
    }
}

/// `2 hours ago`; what lies ahead has not been.
fn ago(text: &str, now: Timestamp) -> Option<Timestamp> {
    let span: Span = text.parse().ok()?;
    let then = now.to_zoned(TimeZone::UTC).checked_add(span).ok()?;
    (then.timestamp() <= now).then(|| then.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_in_time_is_written_as_people_do() {
        let now: Timestamp = "2026-03-31T12:00:00.5Z".parse().unwrap();
        let time = |text: &str| Ok(When::Time(text.parse().unwrap()));
        for (text, expected) in [
            ("1093", Ok(When::Position(Position::new(1093)))),
            ("0", Ok(When::Position(Position::START))),
            ("2026-03-01T10:00Z", time("2026-03-01T10:00:00Z")),
            (
                "2026-03-01T10:00:00.123456+08:00",
                time("2026-03-01T02:00:00.123456Z"),
            ),
            ("2026-03-01T10:00:00 08:00", time("2026-03-01T02:00:00Z")),
            ("2026-03-01", time("2026-03-01T00:00:00Z")),
            ("2 hours ago", time("2026-03-31T10:00:00.5Z")),
            ("90m ago", time("2026-03-31T10:30:00.5Z")),
            ("1 month ago", time("2026-02-28T12:00:00.5Z")),
            ("3 days ago", time("2026-03-28T12:00:00.5Z")),
            ("now", time("2026-03-31T12:00:00.5Z")),
            ("2 hours", Err(NoTime)),
            ("2026-03-01T10:00", Err(NoTime)),
            ("yesterday-ish", Err(NoTime)),
            ("99999999999999999999", Err(NoTime)),
            ("-5", Err(NoTime)),
            ("", Err(NoTime)),
        ] {
            assert_eq!(When::parse(text, now), expected, "{text}");
        }
    }
}
