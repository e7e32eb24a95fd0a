//! The rate limit: a leaky bucket per app and store, shared by several processes. Pure integers.
//!
//! Over any interval of `t` seconds at most 40 + 4·t requests of an app are admitted. A bucket is the
//! moment at which it is empty again: a request moves it by a quarter of a second, and is refused when
//! that would be more than ten seconds ahead.
//!
//! Processes share one [`Row`] and take [`Lease`]s from it. A lease admits one request at once and
//! *holds* up to seven more for a second. As it is unknown when those will be used, the row counts them
//! as used at the end of that second: then whatever happens, happened no later. A process that comes
//! back before anybody else says what it really used: the rest, and the time, are given back. So one
//! process alone is exact. Several may refuse what one would have admitted: what a process held and did
//! not use, and up to the four requests that leak away in the second.
//!
//! All times are microseconds of the database's clock, which every process shares. A clock that goes
//! back makes the bucket look fuller, never emptier, and at most full.
//! Source: SHOPLINE, flow control: capacity 40, 4 per second.

/// How many requests an app may make at once.
const CAPACITY: i64 = 40;
/// How long a request takes to leak away.
const LEAK: i64 = 250_000;
/// How far ahead the moment is at which a full bucket is empty.
const DEPTH: i64 = CAPACITY * LEAK;
/// How long a lease holds what it did not use at once.
const HOLD: i64 = 1_000_000;
/// The most requests in a lease.
const LEASE_MAX: i64 = 8;

/// How an app is limited. Source: SHOPLINE, flow control.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plan {
    /// By the bucket.
    #[default]
    Standard,
    /// Not at all: SHOPLINE's Enterprise.
    Unlimited,
}

impl Plan {
    /// All plans.
    pub const ALL: [Self; 2] = [Self::Standard, Self::Unlimited];

    /// Its name in the database and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Unlimited => "unlimited",
        }
    }

    /// The plan of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|plan| plan.name() == name)
    }
}

/// When a bucket is empty, if nothing more is put in. One that is long empty is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bucket(i64);

impl Bucket {
    /// With requests that were admitted at a moment.
    fn with(self, requests: i64, at: i64) -> Self {
        Self(self.0.max(at) + requests * LEAK)
    }

    /// How much more fits, in microseconds; negative when it is too full.
    const fn room(self, now: i64) -> i64 {
        now + DEPTH - self.0
    }
}

/// What all processes share of a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// When the bucket is empty, whatever is done with the leases.
    pub empty_at: i64,
    /// How many leases were taken.
    pub serial: i64,
}

/// What one process may admit without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The row's, as this lease left it.
    serial: i64,
    taken_at: i64,
    /// The row's, had only those requests been taken that were admitted.
    bucket: Bucket,
    /// How many requests it was for.
    requests: i64,
    held: i64,
}

impl Lease {
    /// Takes a lease that admits one request `now`, or says how long to wait for one; and gives the
    /// row as it is then. `last` is the process's own last lease, which is over now, and the time
    /// since it was asked for.
    pub fn take(last: Option<(&Self, i64)>, row: Row, now: i64) -> (Row, Result<Self, i64>) {
        let before = match last {
            // No other lease was taken since: what was not used of the last one is free.
            Some((last, _)) if last.serial == row.serial => last.bucket,
            Some(_) | None => Bucket(row.empty_at),
        };
        let full = Bucket(now + DEPTH);
        if before.0 > full.0 {
            // The clock went back. From here on it leaks again.
            let serial = row.serial + 1;
            return (
                Row {
                    empty_at: full.0,
                    serial,
                },
                Err(LEAK),
            );
        }
        let bucket = before.with(1, now);
        if bucket.room(now) < 0 {
            return (row, Err(-bucket.room(now)));
        }
        let end = now + HOLD;
        let fits = Bucket(bucket.0.max(end)).room(now) / LEAK;
        let wanted = last.map_or(1, |(last, since)| last.next(since));
        let held = (wanted - 1).min(fits).max(0);
        let counted = match held {
            0 => bucket,
            held => bucket.with(held, end),
        };
        let row = Row {
            empty_at: counted.0,
            serial: row.serial + 1,
        };
        let lease = Self {
            serial: row.serial,
            taken_at: now,
            bucket,
            requests: held + 1,
            held,
        };
        (row, Ok(lease))
    }

    /// Admits a request, if it can: `since` the lease was asked for.
    pub(crate) fn admit(&mut self, since: i64) -> bool {
        if self.held == 0 || since >= HOLD {
            return false;
        }
        self.held -= 1;
        self.bucket = self.bucket.with(1, self.taken_at + since);
        true
    }

    /// How many requests the next lease is for: twice as many when these were not enough, else as many
    /// as were used; one for a process that is seldom asked, which would only hold them from others.
    const fn next(&self, since: i64) -> i64 {
        if since >= 2 * HOLD {
            1
        } else if self.held > 0 {
            self.requests - self.held
        } else if self.requests > LEASE_MAX / 2 {
            LEASE_MAX
        } else {
            2 * self.requests
        }
    }
}

#[cfg(test)]
mod tests;
