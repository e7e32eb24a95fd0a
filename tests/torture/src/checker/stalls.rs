//! Promise 10: nobody who only looks or lags stops a write, or fails one.

use std::time::Duration;

use super::{Ran, Verdict};
use crate::control::Waits;
use crate::journal::{Attempt, Expects, Outcome};
use crate::nemesis::Done;
use crate::plan::Fault;

/// The longest time without an answered write that is no stall.
const GAP_MAX: Duration = Duration::from_secs(2);
/// How long the ledger may take to be itself again after a fault of Postgres was mended: every
/// connection has to be made anew. And how long requests may go on failing after any fault.
const MENDED: Duration = Duration::from_secs(3);

/// No gap between two answered writes is longer than the bound, and no write fails, but for what
/// faults of Postgres and of the asked process itself explain. After them the bound counts from when
/// they were mended, with some time for that; and time does not count in which nobody at all could commit.
pub(super) fn unstalled(attempts: &[Attempt], ran: &Ran) -> Verdict {
    let mut violations = vec![];
    let faults = &ran.history.faults;
    let (begin, end) = ran.load;
    let mut ends: Vec<Duration> = vec![begin];
    ends.extend(
        writes(attempts).filter_map(|attempt| match attempt.outcome {
            Outcome::Answered(_) => Some(attempt.end),
            Outcome::Refused(_) | Outcome::Unknown(_) => None,
        }),
    );
    ends.push(end);
    ends.sort_unstable();
    let excused = excused(ran);
    let mut longest = Duration::ZERO;
    for pair in ends.windows(2) {
        let &[from, until] = pair else { continue };
        let gap = until.saturating_sub(from);
        let lost: Duration = excused
            .iter()
            .map(|(first, last)| (*last).min(until).saturating_sub((*first).max(from)))
            .sum();
        let counted = gap.saturating_sub(lost);
        longest = longest.max(counted);
        if counted > GAP_MAX {
            violations.push(format!(
                "no write was answered from {:.1} s to {:.1} s; {}",
                from.as_secs_f64(),
                until.as_secs_f64(),
                meanwhile(faults, from, until)
            ));
        }
    }
    let mut failed = 0;
    for attempt in writes(attempts) {
        let Outcome::Unknown(why) = &attempt.outcome else {
            continue;
        };
        failed += 1;
        let explained = faults.iter().any(|done| explains(done, attempt));
        if !explained {
            violations.push(format!(
                "a write from {:.1} s to {:.1} s failed ({why}), which nothing explains; {}",
                attempt.begin.as_secs_f64(),
                attempt.end.as_secs_f64(),
                meanwhile(faults, attempt.begin, attempt.end)
            ));
        }
    }
    Verdict {
        promise: 10,
        name: "Unstalled",
        checked: format!(
            "{} answers of writes, at most {:.1} s between two; {failed} failures explained by \
             faults of Postgres or of the asked process",
            ends.len().saturating_sub(2),
            longest.as_secs_f64()
        ),
        violations,
    }
}

/// When the time does not count: while a fault lasts that may stall, and while nobody could commit.
fn excused(ran: &Ran) -> Waits {
    let faults = ran.history.faults.iter().filter(|it| it.fault.stalls());
    let mut all: Waits = faults.map(|it| (it.from, it.until + MENDED)).collect();
    all.extend(&ran.waits);
    all.sort_unstable();
    let mut merged = Waits::new();
    for (from, until) in all {
        match merged.last_mut() {
            Some((_, last)) if from <= *last => *last = until.max(*last),
            Some(_) | None => merged.push((from, until)),
        }
    }
    merged
}

/// What went wrong at a time.
fn meanwhile(faults: &[Done], from: Duration, until: Duration) -> String {
    let meets = faults
        .iter()
        .filter(|it| it.from < until && from < it.until);
    let said = meets.map(|it| {
        let (from, until) = (it.from.as_secs_f64(), it.until.as_secs_f64());
        format!("{} ({from:.1} s to {until:.1} s)", it.fault.name())
    });
    said.collect::<Vec<_>>().join(", ")
}

/// Whether a fault may fail a request.
fn explains(done: &Done, attempt: &Attempt) -> bool {
    let meets = attempt.begin < done.until + MENDED && done.from < attempt.end;
    let concerns = if let Fault::KillApi(door) = done.fault {
        door == attempt.door
    } else {
        done.fault.stalls()
    };
    meets && concerns
}

fn writes(attempts: &[Attempt]) -> impl Iterator<Item = &Attempt> {
    attempts.iter().filter(|attempt| {
        attempt
            .write()
            .is_some_and(|write| write.expects != Expects::Refusal)
    })
}

#[cfg(test)]
mod tests {
    use super::super::requests::tests::{answered, unknown};
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn done(fault: Fault, from: u32, until: u32) -> Done {
        Done {
            fault,
            from: SECOND * from,
            until: SECOND * until,
        }
    }

    fn holds(attempts: &[Attempt], faults: &[Done]) -> bool {
        holds_with(attempts, faults, vec![])
    }

    fn holds_with(attempts: &[Attempt], faults: &[Done], waits: Waits) -> bool {
        let mut ran = Ran {
            load: (SECOND, SECOND * 10),
            waits,
            ..Ran::default()
        };
        ran.history.faults = faults.to_vec();
        unstalled(attempts, &ran).holds()
    }

    #[test]
    fn a_gap_is_a_stall_unless_postgres_was_away() {
        let steady: Vec<Attempt> = (1..=10).map(|at| answered(at, at)).collect();
        assert!(holds(&steady, &[]));
        let gap: Vec<Attempt> = [1, 2, 3, 7, 8, 9, 10].map(|at| answered(at, at)).into();
        assert!(!holds(&gap, &[]));
        assert!(holds(&gap, &[done(Fault::StopPostgres, 3, 6)]));
        assert!(!holds(&gap, &[done(Fault::KillBroker, 3, 7)]));
        let late: Vec<Attempt> = [1, 2, 3, 10].map(|at| answered(at, at)).into();
        assert!(!holds(&late, &[done(Fault::StopPostgres, 3, 4)]));
        // Nobody could commit; but time is not counted off twice.
        let wait = |from, until| vec![(SECOND * from, SECOND * until)];
        assert!(holds_with(&gap, &[], wait(4, 6)));
        assert!(!holds_with(
            &late,
            &[done(Fault::CutPostgres, 3, 4)],
            wait(4, 7)
        ));
    }

    #[test]
    fn a_failure_needs_a_fault_that_explains_it() {
        let mut attempts: Vec<Attempt> = (1..=10).map(|at| answered(at, at)).collect();
        attempts.push(unknown(5, 6));
        assert!(!holds(&attempts, &[]));
        assert!(!holds(&attempts, &[done(Fault::OpenTransaction, 1, 9)]));
        assert!(!holds(&attempts, &[done(Fault::KillApi(1), 5, 6)]));
        assert!(holds(&attempts, &[done(Fault::KillApi(0), 5, 6)]));
        assert!(holds(&attempts, &[done(Fault::CutPostgres, 5, 5)]));
    }
}
