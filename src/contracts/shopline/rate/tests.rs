use proptest::prelude::*;

use super::*;

const SECOND: i64 = 1_000_000;
/// Some moment of this century.
const NOW: i64 = 1_700_000_000 * SECOND;

/// A process, and the row that all share.
#[derive(Default)]
struct Process {
    lease: Option<(Lease, i64)>,
}

/// How a request was admitted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Admitted {
    Not,
    /// At once: the row was not asked.
    FromLease,
    /// When the database was reached.
    ByRow,
}

impl Process {
    /// Whether a request is admitted that comes at a moment of the process's own clock, while the
    /// database's shows another.
    fn admits(&mut self, row: &mut Row, own: i64, database: i64) -> bool {
        self.admit(row, own, database) != Admitted::Not
    }

    fn admit(&mut self, row: &mut Row, own: i64, database: i64) -> Admitted {
        if let Some((lease, asked)) = &mut self.lease
            && lease.admit(own - *asked)
        {
            return Admitted::FromLease;
        }
        let last = self.lease.as_ref();
        let last = last.map(|(lease, asked)| (lease, own - asked));
        let (left, taken) = Lease::take(last, *row, database);
        *row = left;
        match taken {
            Ok(lease) => {
                self.lease = Some((lease, own));
                Admitted::ByRow
            }
            Err(wait) => {
                // Time may have gone back, but a wait is short.
                assert!((1..=LEAK).contains(&wait), "{wait}");
                Admitted::Not
            }
        }
    }
}

/// How many of so many requests one process admits at a moment.
fn burst(process: &mut Process, row: &mut Row, at: i64, requests: usize) -> usize {
    (0..requests)
        .filter(|_| process.admits(row, at, at))
        .count()
}

#[test]
fn one_process_admits_forty_at_once_and_then_four_a_second() {
    let (mut process, mut row) = (Process::default(), Row::default());
    assert_eq!(burst(&mut process, &mut row, NOW, 100), 40);
    assert_eq!(burst(&mut process, &mut row, NOW + LEAK - 1, 9), 0);
    assert_eq!(burst(&mut process, &mut row, NOW + LEAK, 9), 1);
    assert_eq!(burst(&mut process, &mut row, NOW + SECOND, 9), 3);
    assert_eq!(burst(&mut process, &mut row, NOW + 4 * SECOND, 99), 12);
    assert_eq!(burst(&mut process, &mut row, NOW + 14 * SECOND, 99), 40);
}

#[test]
fn a_burst_writes_the_row_once_for_eight_requests() {
    let (mut process, mut row) = (Process::default(), Row::default());
    assert_eq!(burst(&mut process, &mut row, NOW, 100), 40);
    // 1, 2, 4, then 8 at a time.
    assert_eq!(row.serial, 8);
}

#[test]
fn a_steady_caller_is_served_from_leases_and_keeps_its_room() {
    let (mut process, mut row) = (Process::default(), Row::default());
    for n in 0..400 {
        let at = NOW + n * LEAK;
        assert!(process.admits(&mut row, at, at), "{n}");
    }
    assert!(row.serial < 200, "{}", row.serial);
    // The bucket never held more than one request.
    assert_eq!(burst(&mut process, &mut row, NOW + 400 * LEAK, 99), 40);
}

#[test]
fn what_a_process_holds_is_nobody_elses_for_a_second() {
    let (mut one, mut other) = (Process::default(), Process::default());
    let mut row = Row::default();
    assert_eq!(burst(&mut one, &mut row, NOW, 8), 8);
    // It holds seven of its last lease.
    assert_eq!(burst(&mut other, &mut row, NOW, 99), 25);
    assert_eq!(burst(&mut one, &mut row, NOW + HOLD - 1, 99), 7 + 3);
    let (mut one, mut other) = (Process::default(), Process::default());
    let mut row = Row::default();
    assert_eq!(burst(&mut one, &mut row, NOW, 8), 8);
    // Too late: they count as used, so that 15 are in the bucket, of which 4 leaked.
    assert_eq!(burst(&mut other, &mut row, NOW + HOLD, 99), 29);
    assert_eq!(burst(&mut one, &mut row, NOW + HOLD, 99), 0);
}

#[test]
fn a_clock_that_goes_back_admits_no_more_and_stops_nobody_for_long() {
    let (mut process, mut row) = (Process::default(), Row::default());
    assert_eq!(burst(&mut process, &mut row, NOW, 99), 40);
    let back = 3600 * SECOND;
    let mut later = |own: i64| {
        let (own, database) = (NOW + own, NOW + own - back);
        let admitted = (0..99).filter(|_| process.admits(&mut row, own, database));
        admitted.count()
    };
    assert_eq!(later(SECOND), 0);
    assert_eq!(later(SECOND + LEAK), 1);
    assert_eq!(later(2 * SECOND + LEAK), 4);
    assert_eq!(later(12 * SECOND + LEAK), 40);
}

/// A request: how long after the one before, at which process, how long it takes to reach the database,
/// and how far the database's clock jumps back before it.
fn requests() -> impl Strategy<Value = Vec<(i64, usize, i64, i64)>> {
    let gap = prop_oneof![
        4 => Just(0),
        4 => 0..2_000_i64,
        3 => 0..2 * LEAK,
        1 => 0..12 * SECOND,
    ];
    let latency = prop_oneof![3 => Just(0), 1 => 0..20_000_i64];
    let jump = prop_oneof![40 => Just(0), 1 => 0..30 * SECOND];
    prop::collection::vec((gap, 0..4_usize, latency, jump), 1..400)
}

proptest! {
    #[test]
    fn whoever_holds_leases_no_interval_admits_more_than_the_bucket(requests in requests()) {
        let mut processes: [Process; 4] = Default::default();
        let (mut row, mut true_time, mut behind) = (Row::default(), NOW, 0);
        let mut admitted = vec![];
        for (gap, process, latency, jump) in requests {
            let asked = true_time + gap;
            true_time = asked + latency;
            behind += jump;
            // Its own clock is another one altogether, and asked before the database stamps.
            let own = asked - 77 * SECOND;
            match processes[process].admit(&mut row, own, true_time - behind) {
                Admitted::Not => {}
                Admitted::FromLease => admitted.push(asked),
                Admitted::ByRow => admitted.push(true_time),
            }
        }
        for (first, from) in admitted.iter().enumerate() {
            for (count, to) in (1..).zip(&admitted[first..]) {
                let most = CAPACITY * LEAK + (to - from);
                prop_assert!(count * LEAK <= most, "{} in {} µs", count, to - from);
            }
        }
    }

    #[test]
    fn whoever_asks_four_times_a_second_is_always_admitted(
        processes in prop::collection::vec(0..4_usize, 1..200),
        lead in 0..60_usize,
    ) {
        let mut all: [Process; 4] = Default::default();
        let mut row = Row::default();
        // Whatever was asked before: from here on, the pace is kept.
        for n in 0..lead {
            all[n % 4].admits(&mut row, NOW, NOW);
        }
        for (n, process) in (1..).zip(processes) {
            let at = NOW + n * LEAK;
            prop_assert!(all[process].admits(&mut row, at, at), "{}", n);
        }
    }
}
