//! What is done to the ledger and when: all from the seed.
//!
//! Faults are drawn from a bag that holds every kind, and the bag is filled anew when it is empty, so
//! that each kind comes early and about as often as it was put in. Two faults overlap unless they are
//! about the same part.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};

/// The parts that faults are about. Of each role there are two processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// What serves the contracts.
    Api,
    /// What carries records to Kafka.
    Relay,
    /// What builds the views.
    Projector,
    /// The database.
    Postgres,
    /// The broker.
    Kafka,
}

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// `kill -9` of one of the two processes that serve requests.
    KillApi(usize),
    /// `kill -9` of the relay that leads.
    KillRelay,
    /// `kill -9` of the relay that leads, while it is about to note what it sent last: that is noted
    /// nowhere.
    KillRelayUnnoted,
    /// `kill -9` of one of the two projectors.
    KillProjector(usize),
    /// The relay that leads stands still for longer than its lease; another one takes over.
    PauseRelay,
    /// Nothing comes through between the relay that leads and Postgres for longer than its lease, while
    /// it still talks to Kafka; another one takes over.
    FreezeRelay,
    /// A projector stands still for longer than its group waits for it.
    PauseProjector(usize),
    /// Both projectors stand still, and the end of the topic is cut off before they read it.
    TruncateTopic,
    /// The topic is deleted; the relay makes it anew.
    DeleteTopic,
    /// Postgres shuts down immediately, and comes back.
    StopPostgres,
    /// Postgres shuts down immediately while nothing but requests has written for a while.
    StopPostgresAlone,
    /// `kill -9` of Kafka, which comes back after a while.
    KillBroker,
    /// Every connection to Kafka is cut, and none is let in for a while.
    CutKafka,
    /// Every connection to Postgres is cut.
    CutPostgres,
    /// Nothing comes through to or from Kafka for a while, though connections stand.
    FreezeKafka,
    /// All connections that Postgres allows are taken.
    UseUpConnections,
    /// A transaction that has read every table stays open.
    OpenTransaction,
    /// A query over all events does not end.
    LongQuery,
}

/// Every kind, as often as it is in the bag: a run of two minutes empties it once.
const BAG: [Fault; 23] = [
    Fault::KillApi(0),
    Fault::KillApi(1),
    Fault::KillApi(0),
    Fault::KillApi(1),
    Fault::KillRelay,
    Fault::KillRelay,
    Fault::KillRelayUnnoted,
    Fault::KillProjector(0),
    Fault::KillProjector(1),
    Fault::PauseRelay,
    Fault::FreezeRelay,
    Fault::PauseProjector(0),
    Fault::TruncateTopic,
    Fault::DeleteTopic,
    Fault::StopPostgres,
    Fault::StopPostgresAlone,
    Fault::KillBroker,
    Fault::CutKafka,
    Fault::CutPostgres,
    Fault::FreezeKafka,
    Fault::UseUpConnections,
    Fault::OpenTransaction,
    Fault::LongQuery,
];

/// Time before the first fault, and after the last one.
const QUIET: Duration = Duration::from_secs(3);
/// Time between the beginnings of two faults.
const BEAT: Duration = Duration::from_secs(4);

impl Fault {
    /// Its name in reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::KillApi(_) => "kill -9 of an api process",
            Self::KillRelay => "kill -9 of the leading relay",
            Self::KillRelayUnnoted => "kill -9 of a relay that could not note what it sent",
            Self::KillProjector(_) => "kill -9 of a projector",
            Self::PauseRelay => "the leading relay paused beyond its lease",
            Self::FreezeRelay => "the leading relay frozen out of Postgres beyond its lease",
            Self::PauseProjector(_) => "a projector paused beyond its session",
            Self::TruncateTopic => "the topic truncated before it was read",
            Self::DeleteTopic => "the topic deleted and made anew",
            Self::StopPostgres => "immediate shutdown of Postgres",
            Self::StopPostgresAlone => "immediate shutdown of Postgres while Kafka is away",
            Self::KillBroker => "kill -9 of Kafka",
            Self::CutKafka => "connections to Kafka cut",
            Self::CutPostgres => "connections to Postgres cut",
            Self::FreezeKafka => "connections to Kafka frozen",
            Self::UseUpConnections => "all connections of Postgres used up",
            Self::OpenTransaction => "a transaction held open",
            Self::LongQuery => "a long query",
        }
    }

    /// What it is about.
    pub(crate) const fn parts(self) -> &'static [Part] {
        match self {
            Self::KillApi(_) => &[Part::Api],
            Self::KillRelay | Self::PauseRelay | Self::FreezeRelay => &[Part::Relay],
            Self::KillRelayUnnoted => &[Part::Relay, Part::Postgres],
            Self::KillProjector(_) | Self::PauseProjector(_) => &[Part::Projector],
            Self::TruncateTopic => &[Part::Relay, Part::Projector, Part::Kafka],
            Self::DeleteTopic | Self::KillBroker | Self::CutKafka | Self::FreezeKafka => {
                &[Part::Kafka]
            }
            Self::StopPostgresAlone => &[Part::Postgres, Part::Kafka],
            Self::StopPostgres
            | Self::CutPostgres
            | Self::UseUpConnections
            | Self::OpenTransaction
            | Self::LongQuery => &[Part::Postgres],
        }
    }

    /// How long it lasts, apart from what mending it takes.
    pub(crate) const fn lasts(self) -> Duration {
        match self {
            Self::DeleteTopic | Self::CutPostgres => Duration::ZERO,
            Self::KillApi(_)
            | Self::KillRelay
            | Self::KillRelayUnnoted
            | Self::KillProjector(_)
            | Self::StopPostgres => Duration::from_secs(1),
            Self::CutKafka
            | Self::UseUpConnections
            | Self::TruncateTopic
            | Self::StopPostgresAlone => Duration::from_secs(3),
            Self::KillBroker => Duration::from_secs(4),
            // A lease is over after five seconds, a session of the group after six.
            Self::PauseRelay | Self::FreezeRelay | Self::OpenTransaction | Self::LongQuery => {
                Duration::from_secs(7)
            }
            Self::PauseProjector(_) => Duration::from_secs(8),
            // A transaction is given up after ten seconds, when nobody knows what became of it.
            Self::FreezeKafka => Duration::from_secs(11),
        }
    }

    /// Whether writes may wait and fail meanwhile. All other faults stop no write.
    pub(crate) const fn stalls(self) -> bool {
        match self {
            Self::StopPostgres
            | Self::StopPostgresAlone
            | Self::CutPostgres
            | Self::UseUpConnections => true,
            Self::KillApi(_)
            | Self::KillRelay
            | Self::KillRelayUnnoted
            | Self::KillProjector(_)
            | Self::PauseRelay
            | Self::FreezeRelay
            | Self::PauseProjector(_)
            | Self::TruncateTopic
            | Self::DeleteTopic
            | Self::KillBroker
            | Self::CutKafka
            | Self::FreezeKafka
            | Self::OpenTransaction
            | Self::LongQuery => false,
        }
    }
}

/// A fault at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// When it begins, from the start of the load.
    pub(crate) at: Duration,
    /// What goes wrong.
    pub(crate) fault: Fault,
}

impl Step {
    /// When it is to be mended.
    pub(crate) fn ends(&self) -> Duration {
        self.at + self.fault.lasts()
    }
}

/// The faults of a run.
pub(crate) fn plan(seed: u64, length: Duration) -> Vec<Step> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut steps: Vec<Step> = vec![];
    let mut left: Vec<Fault> = vec![];
    let mut at = QUIET;
    while at + QUIET <= length {
        if left.is_empty() {
            left.extend(BAG);
            left.shuffle(&mut random);
        }
        let fits =
            |fault: &Fault| is_free(&steps, at, *fault) && at + fault.lasts() + QUIET <= length;
        if let Some(index) = left.iter().position(fits) {
            let fault = left.remove(index);
            steps.push(Step { at, fault });
        }
        at += beat(&mut random);
    }
    steps
}

/// These faults, one after the other, each as soon as nothing else is done to what it is about.
pub(crate) fn in_order(seed: u64, faults: &[Fault]) -> Vec<Step> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut steps: Vec<Step> = vec![];
    let mut at = QUIET;
    for fault in faults {
        while !is_free(&steps, at, *fault) {
            at += beat(&mut random) / 4;
        }
        steps.push(Step { at, fault: *fault });
    }
    steps
}

/// How long a load has to run for these faults.
pub(crate) fn length(steps: &[Step]) -> Duration {
    let ends = steps.iter().map(Step::ends);
    ends.max().unwrap_or_default() + QUIET
}

fn beat(random: &mut StdRng) -> Duration {
    BEAT + Duration::from_millis(random.random_range(0..500))
}

/// Whether nothing is done at a time to what a fault is about.
fn is_free(steps: &[Step], at: Duration, fault: Fault) -> bool {
    !steps
        .iter()
        .any(|step| meets(step, at) && shares(step.fault, fault))
}

/// Whether a step may still be under way or being mended.
fn meets(step: &Step, at: Duration) -> bool {
    step.ends() + Duration::from_secs(3) > at
}

fn shares(one: Fault, other: Fault) -> bool {
    one.parts().iter().any(|part| other.parts().contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kills(steps: &[Step]) -> (usize, usize, usize) {
        let count = |is: fn(Fault) -> bool| steps.iter().filter(|step| is(step.fault)).count();
        (
            count(|fault| matches!(fault, Fault::KillApi(_))),
            count(|fault| matches!(fault, Fault::KillRelay | Fault::KillRelayUnnoted)),
            count(|fault| fault == Fault::KillBroker),
        )
    }

    #[test]
    fn two_minutes_have_every_kind_of_kill_whatever_the_seed() {
        for seed in 0..500 {
            let steps = plan(seed, Duration::from_mins(2));
            let (api, relay, broker) = kills(&steps);
            assert!(
                api >= 4 && relay >= 2 && broker >= 1,
                "{seed}: {api} {relay} {broker}"
            );
        }
    }

    #[test]
    fn ten_minutes_have_every_fault() {
        for seed in 0..50 {
            let steps = plan(seed, Duration::from_mins(10));
            for fault in BAG {
                assert!(
                    steps.iter().any(|step| step.fault == fault),
                    "{seed}: {fault:?}"
                );
            }
        }
    }

    #[test]
    fn a_seed_gives_the_same_plan_again() {
        let length = Duration::from_mins(3);
        assert_eq!(plan(7, length), plan(7, length));
        assert_ne!(plan(7, length), plan(8, length));
    }

    #[test]
    fn faults_of_the_same_part_do_not_meet() {
        let steps = plan(1, Duration::from_mins(10));
        for (index, step) in steps.iter().enumerate() {
            for later in &steps[index + 1..] {
                assert!(!(meets(step, later.at) && shares(step.fault, later.fault)));
            }
        }
    }
}
