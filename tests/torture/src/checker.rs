//! The promises, judged from outside: pure functions over what was asked and answered, the events,
//! the topic and the views. Each says how much it looked at, and everything that breaks its promise.

mod requests;
mod stalls;
mod stored;

use std::time::Duration;

use crate::control::Waits;
use crate::journal::Attempt;
use crate::nemesis::History;
use crate::store::{Event, Views};
use crate::topic::Message;

/// Everything that is known in the end.
pub(crate) struct Evidence {
    /// Every request and answer, in the order of the ends.
    pub(crate) attempts: Vec<Attempt>,
    /// Requests beside the load whose events are nobody's surprise: how the groups were made.
    pub(crate) events_before: usize,
    /// What was done meanwhile, and how it went.
    pub(crate) ran: Ran,
    /// Every event, by position.
    pub(crate) events: Vec<Event>,
    /// Every record of the topic, in the order of each partition.
    pub(crate) topic: Vec<Message>,
    /// The views as stored.
    pub(crate) views: Views,
    /// The views as they follow from the events, or why they do not.
    pub(crate) folded: Result<Views, String>,
}

/// How a run went.
#[derive(Default)]
pub(crate) struct Ran {
    /// From when to when the load ran.
    pub(crate) load: (Duration, Duration),
    /// What was done to the ledger.
    pub(crate) history: History,
    /// When even a client of Postgres waited that has nothing to do with the ledger.
    pub(crate) waits: Waits,
    /// How long relay and projectors took for the rest, once all was mended; none when they never did.
    pub(crate) caught_up: Option<Duration>,
}

/// One promise, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Its number.
    pub(crate) promise: u8,
    /// Its name.
    pub(crate) name: &'static str,
    /// What was looked at.
    pub(crate) checked: String,
    /// What breaks it.
    pub(crate) violations: Vec<String>,
}

impl Verdict {
    /// Whether nothing breaks it.
    pub(crate) const fn holds(&self) -> bool {
        self.violations.is_empty()
    }
}

/// Every promise that can be judged from outside.
pub(crate) fn judge(evidence: &Evidence) -> Vec<Verdict> {
    let asked = requests::Asked::new(&evidence.attempts, &evidence.events);
    vec![
        asked.durable(evidence.events_before),
        stored::gapless(&evidence.events),
        stored::ordered(&evidence.topic),
        stored::exactly_once(evidence),
        stored::replayable(&evidence.views, &evidence.folded),
        asked.repeatable(),
        asked.own_writes(),
        stalls::unstalled(&evidence.attempts, &evidence.ran),
    ]
}
