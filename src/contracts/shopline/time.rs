//! Times in requests: ISO 8601, with an offset or in the store's zone.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// The seconds that a time of a query stands for, since 1970, whole as answers show them: one, a day of them, or none for a time between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// The first second that is not before it.
    pub(super) first: i64,
    /// The last second that is not after it.
    pub(super) last: i64,
}

impl Moment {
    /// Reads ISO 8601: with an offset, or else in this zone. A date is the whole day.
    ///
    /// A plus sign that was sent as it is has become a space on its way through the query.
    pub(super) fn parse(text: &str, zone: &TimeZone) -> Option<Self> {
        const DATE_LENGTH: usize = "2022-04-13".len();
        let text = text.trim();
        if text.len() == DATE_LENGTH {
            let date: Date = text.parse().ok()?;
            let midnight = |date: Date| zone.to_timestamp(date.at(0, 0, 0, 0)).ok();
            let next = midnight(date.tomorrow().ok()?)?;
            return Some(Self {
                first: ceil(midnight(date)?),
                last: ceil(next) - 1,
            });
        }
        let time = instant(text, zone).or_else(|| {
            let (time, offset) = text.rsplit_once(' ')?;
            instant(&format!("{time}+{offset}"), zone)
        })?;
        Some(Self {
            first: ceil(time),
            last: floor(time),
        })
    }
}

/// The one instant that a text stands for.
pub(super) fn instant(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let local = || zone.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    text.parse().ok().or_else(local)
}

/// No customer was created before 1970, and PostgreSQL does not know every time that is written.
const BEFORE_ALL: i64 = -1;

fn floor(time: Timestamp) -> i64 {
    const SECOND: i64 = 1_000_000;
    time.as_microsecond().div_euclid(SECOND).max(BEFORE_ALL)
}

fn ceil(time: Timestamp) -> i64 {
    let floor = floor(time);
    let is_whole = time.subsec_nanosecond() == 0;
    if is_whole { floor } else { floor + 1 }
}

#[test]
fn times_are_read_with_an_offset_or_in_the_stores_zone() {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    for (text, expected) in [
        ("2022-04-13T21:13:20+08:00", Some((0, 0))),
        ("2022-04-13T21:13:20 08:00", Some((0, 0))),
        ("2022-04-13T13:13:20Z", Some((0, 0))),
        ("2022-04-13T21:13:20", Some((0, 0))),
        ("2022-04-13 21:13:20", Some((0, 0))),
        (" 2022-04-13T21:13:20+0800 ", Some((0, 0))),
        ("2022-04-13T21:13:20.5+08:00", Some((1, 0))),
        ("2022-04-13", Some((-76_400, 9_999))),
        ("", None),
        ("now", None),
        ("2022-13-13", None),
        ("2022-04-13T25:00:00Z", None),
        ("1649855600", None),
        ("-009999-01-01T00:00:00Z", None),
        ("\0", None),
    ] {
        let seen = Moment::parse(text, &zone);
        let seen = seen.map(|moment| (moment.first - 1_649_855_600, moment.last - 1_649_855_600));
        assert_eq!(seen, expected, "{text}");
    }
    for text in [
        "-009998-01-02T00:00:00Z",
        "1969-12-31T23:59:58Z",
        "1960-01-01",
    ] {
        let moment = Moment::parse(text, &zone).unwrap();
        assert!(moment.first < 0 && moment.last < 0, "{text} {moment:?}");
    }
}
