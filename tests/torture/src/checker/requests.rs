//! Durable, repeatable, your own writes: what was answered, compared with what is there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::Verdict;
use crate::journal::{Answer, Ask, Attempt, Expects, Outcome, Write};
use crate::store::Event;

/// The requests, each with what was recorded for it.
pub(super) struct Asked<'a> {
    attempts: &'a [Attempt],
    /// Types of events by request, in the order of positions.
    recorded: HashMap<&'a str, Vec<&'a str>>,
    /// The attempts at one write: those with one key, or one without.
    writes: BTreeMap<&'a str, Vec<(&'a Attempt, &'a Write)>>,
    /// What is known of each customer.
    customers: HashMap<usize, Customer>,
}

/// One customer's writes.
#[derive(Default)]
struct Customer {
    /// When a number was sent first, and the number.
    sent: Vec<(Duration, u64)>,
    /// When a number was answered, and the number.
    answered: Vec<(Duration, u64)>,
    /// When its deletion was sent, and answered.
    deletion: Option<(Duration, Option<Duration>)>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(attempts: &'a [Attempt], events: &'a [Event]) -> Self {
        let mut recorded: HashMap<&str, Vec<&str>> = HashMap::new();
        for event in events {
            let types = recorded.entry(&event.request).or_default();
            types.push(&event.kind);
        }
        let mut writes: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        let mut customers: HashMap<usize, Customer> = HashMap::new();
        for attempt in attempts {
            let Some(write) = attempt.write() else {
                continue;
            };
            let name = write.key.as_deref().unwrap_or(&attempt.request);
            writes.entry(name).or_default().push((attempt, write));
            customers
                .entry(write.customer)
                .or_default()
                .note(attempt, write);
        }
        Self {
            attempts,
            recorded,
            writes,
            customers,
        }
    }

    /// Promise 1: what was answered is there, whole; what was refused is not; what nobody knows of is
    /// there whole or not at all; and nothing else is there.
    pub(super) fn durable(&self, events_before: usize) -> Verdict {
        let mut violations = vec![];
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for (name, attempts) in &self.writes {
            let mut found: Vec<&[&str]> = vec![];
            for (attempt, _) in attempts {
                known.insert(&attempt.request);
                let types = self.recorded.get(attempt.request.as_str());
                found.extend(types.map(Vec::as_slice));
            }
            let Some((_, write)) = attempts.first() else {
                continue;
            };
            let answered = attempts
                .iter()
                .any(|(attempt, _)| attempt.answer().is_some());
            let refused = attempts
                .iter()
                .any(|(attempt, _)| matches!(attempt.outcome, Outcome::Refused(_)));
            match &write.expects {
                Expects::Refusal => {
                    if answered {
                        violations.push(format!("{name} had to be refused and was done"));
                    }
                    if !found.is_empty() {
                        violations.push(format!("{name} was refused and is recorded: {found:?}"));
                    }
                }
                Expects::Events(expected) => {
                    if refused {
                        violations.push(format!("{name} had to be done and was refused"));
                    }
                    let whole = found.iter().all(|types| types == expected);
                    if !whole {
                        violations.push(format!("{name} is {found:?} instead of {expected:?}"));
                    }
                    if answered && found.is_empty() && !expected.is_empty() {
                        violations.push(format!("{name} was answered and is not recorded"));
                    }
                }
            }
        }
        let strangers = self.recorded.keys().filter(|id| !known.contains(*id));
        let strangers = strangers.count();
        if strangers > events_before {
            violations.push(format!(
                "{} requests are recorded that nobody sent",
                strangers - events_before
            ));
        }
        let answered = self.attempts.iter().filter(|it| it.answer().is_some());
        let answered = answered.filter(|it| it.write().is_some()).count();
        Verdict {
            promise: 1,
            name: "Durable",
            checked: format!("{} writes, {answered} answers", self.writes.len()),
            violations,
        }
    }

    /// Promise 6: of all attempts with one key one is recorded, and all get the same answer.
    pub(super) fn repeatable(&self) -> Verdict {
        let mut violations = vec![];
        let mut repeated = 0;
        for (name, attempts) in &self.writes {
            if attempts.len() < 2 {
                continue;
            }
            repeated += attempts.len() - 1;
            let done = attempts
                .iter()
                .filter(|(attempt, _)| self.recorded.contains_key(attempt.request.as_str()));
            if done.count() > 1 {
                violations.push(format!("{name} was repeated and is recorded twice"));
            }
            let mut answers = attempts.iter().filter_map(|(attempt, _)| attempt.answer());
            let first: Option<&Answer> = answers.next();
            if answers.any(|answer| Some(answer) != first) {
                violations.push(format!("{name} was repeated and got another answer"));
            }
        }
        Verdict {
            promise: 6,
            name: "Repeatable",
            checked: format!("{repeated} repeated requests"),
            violations,
        }
    }

    /// Promise 9: every answer shows what was answered before it was asked for, and nothing that nobody
    /// had asked for yet; a list may be behind if it says so.
    pub(super) fn own_writes(&self) -> Verdict {
        let mut violations = vec![];
        let (mut reads, mut lists, mut behind) = (0, 0, 0);
        let nobody = Customer::default();
        for attempt in self.attempts {
            let request = &attempt.request;
            match &attempt.ask {
                Ask::Write(write) => {
                    let shows = attempt.answer().and_then(|answer| answer.shows);
                    let due = write.shows.filter(|_| attempt.answer().is_some());
                    if due.is_some() && shows != due {
                        violations.push(format!("{request} shows {shows:?} instead of {due:?}"));
                    }
                }
                Ask::Read(customer) => {
                    reads += 1;
                    let customer = self.customers.get(customer).unwrap_or(&nobody);
                    violations.extend(customer.misread(attempt));
                }
                Ask::List(customer) => {
                    lists += 1;
                    let customer = self.customers.get(customer).unwrap_or(&nobody);
                    if attempt.answer().is_some_and(|answer| answer.behind) {
                        behind += 1;
                    } else {
                        violations.extend(customer.misread(attempt));
                    }
                }
            }
        }
        Verdict {
            promise: 9,
            name: "Your own writes",
            checked: format!("{reads} reads, {lists} lists, {behind} of them said to be behind"),
            violations,
        }
    }
}

impl Customer {
    fn note(&mut self, attempt: &Attempt, write: &Write) {
        let answered = attempt.answer().map(|_| attempt.end);
        if let Some(number) = write.sets {
            self.sent.push((attempt.begin, number));
            self.answered.extend(answered.map(|end| (end, number)));
        }
        if write.deletes {
            self.deletion = Some((attempt.begin, answered));
        }
    }

    /// What is wrong with what a read shows of this customer.
    fn misread(&self, attempt: &Attempt) -> Option<String> {
        let request = &attempt.request;
        let gone = self.deletion.is_some_and(|(sent, _)| sent < attempt.end);
        let surely_gone = self
            .deletion
            .and_then(|(_, answered)| answered)
            .is_some_and(|answered| answered < attempt.begin);
        let floor = self.answered.iter().filter(|(end, _)| *end < attempt.begin);
        let floor = floor.map(|(_, number)| *number).max();
        let ceiling = self.sent.iter().filter(|(begin, _)| *begin < attempt.end);
        let ceiling = ceiling.map(|(_, number)| *number).max();
        let shows = match &attempt.outcome {
            Outcome::Unknown(_) => return None,
            Outcome::Refused(_) => None,
            Outcome::Answered(answer) => answer.shows,
        };
        match shows {
            None if gone => None,
            None => Some(format!("{request} shows nothing, {floor:?} was answered")),
            Some(number) if surely_gone => {
                Some(format!("{request} shows {number} of a deleted customer"))
            }
            Some(number) if Some(number) < floor => Some(format!(
                "{request} shows {number} at {:.1} s, {floor:?} was answered before",
                attempt.begin.as_secs_f64()
            )),
            Some(number) if Some(number) > ceiling => {
                Some(format!("{request} shows {number}, which nobody had sent"))
            }
            Some(_) => None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn answer(shows: Option<u64>) -> Answer {
        Answer {
            status: 200,
            digest: "d".to_owned(),
            shows,
            behind: false,
        }
    }

    /// A rename of the customer 7 that was answered, and took from one second to another.
    pub(crate) fn answered(begin: u32, end: u32) -> Attempt {
        let number = u64::from(begin);
        Attempt {
            request: format!("request {begin}"),
            door: 0,
            begin: SECOND * begin,
            end: SECOND * end,
            ask: Ask::Write(Write {
                customer: 7,
                key: None,
                expects: Expects::Events(vec!["CustomerUpdated"]),
                sets: Some(number),
                shows: Some(number),
                deletes: false,
            }),
            outcome: Outcome::Answered(answer(Some(number))),
        }
    }

    pub(crate) fn unknown(begin: u32, end: u32) -> Attempt {
        Attempt {
            request: format!("unknown {begin}"),
            outcome: Outcome::Unknown("cut".to_owned()),
            ..answered(begin, end)
        }
    }

    fn read(begin: u32, shows: Option<u64>) -> Attempt {
        Attempt {
            request: format!("read {begin}"),
            ask: Ask::Read(7),
            outcome: Outcome::Answered(answer(shows)),
            ..answered(begin, begin + 1)
        }
    }

    fn event(position: i64, request: &str, kind: &str) -> Event {
        Event {
            position,
            sequence: position,
            stream: "a".to_owned(),
            kind: kind.to_owned(),
            payload: "{}".to_owned(),
            request: request.to_owned(),
            time: position,
        }
    }

    fn durable(attempts: &[Attempt], events: &[Event]) -> bool {
        Asked::new(attempts, events).durable(0).holds()
    }

    fn own_writes(attempts: &[Attempt]) -> bool {
        Asked::new(attempts, &[]).own_writes().holds()
    }

    fn with(mut attempt: Attempt, change: impl FnOnce(&mut Write)) -> Attempt {
        if let Ask::Write(write) = &mut attempt.ask {
            change(write);
        }
        attempt
    }

    #[test]
    fn an_answered_write_has_to_be_there_and_an_unanswered_one_may() {
        let recorded = [event(1, "request 1", "CustomerUpdated")];
        assert!(durable(&[answered(1, 2)], &recorded));
        assert!(!durable(&[answered(1, 2)], &[]));
        assert!(durable(&[unknown(1, 2)], &[]));
        let recorded = [event(1, "unknown 1", "CustomerUpdated")];
        assert!(durable(&[unknown(1, 2)], &recorded));
    }

    #[test]
    fn half_a_write_and_what_nobody_sent_are_found() {
        let two = || {
            with(unknown(1, 2), |write| {
                write.expects = Expects::Events(vec!["CustomerUpdated", "GroupsAssigned"]);
            })
        };
        let half = [event(1, "unknown 1", "CustomerUpdated")];
        assert!(!durable(&[two()], &half));
        assert!(!durable(&[], &[event(1, "stranger", "CustomerUpdated")]));
    }

    #[test]
    fn a_refusal_leaves_nothing_and_is_one() {
        let refusal = |outcome| Attempt {
            outcome,
            ..with(answered(1, 2), |write| write.expects = Expects::Refusal)
        };
        assert!(durable(&[refusal(Outcome::Refused(400))], &[]));
        let recorded = [event(1, "request 1", "CustomerUpdated")];
        assert!(!durable(&[refusal(Outcome::Refused(400))], &recorded));
        assert!(!durable(&[refusal(Outcome::Answered(answer(None)))], &[]));
        let valid = Attempt {
            outcome: Outcome::Refused(400),
            ..answered(1, 2)
        };
        assert!(!durable(&[valid], &[]));
    }

    #[test]
    fn a_repeated_write_is_recorded_once_and_answered_alike() {
        let keyed = |begin, shows| {
            let attempt = Attempt {
                outcome: Outcome::Answered(answer(Some(shows))),
                ..answered(begin, begin + 1)
            };
            with(attempt, |write| write.key = Some("key".to_owned()))
        };
        let repeatable = |attempts: &[Attempt], events: &[Event]| {
            Asked::new(attempts, events).repeatable().holds()
        };
        let once = [event(1, "request 1", "CustomerUpdated")];
        let twice = [once[0].clone(), event(2, "request 3", "CustomerUpdated")];
        assert!(repeatable(&[keyed(1, 1), keyed(3, 1)], &once));
        assert!(!repeatable(&[keyed(1, 1), keyed(3, 1)], &twice));
        assert!(!repeatable(&[keyed(1, 1), keyed(3, 3)], &once));
    }

    #[test]
    fn a_read_shows_what_was_answered_before_and_nothing_from_nowhere() {
        assert!(own_writes(&[answered(1, 2), read(3, Some(1))]));
        assert!(own_writes(&[
            answered(1, 2),
            answered(4, 8),
            read(5, Some(4))
        ]));
        assert!(!own_writes(&[
            answered(1, 2),
            answered(3, 4),
            read(5, Some(1))
        ]));
        assert!(!own_writes(&[answered(1, 2), read(3, None)]));
        assert!(!own_writes(&[answered(1, 2), read(3, Some(9))]));
    }

    #[test]
    fn a_list_may_be_behind_if_it_says_so() {
        let list = |behind| Attempt {
            ask: Ask::List(7),
            outcome: Outcome::Answered(Answer {
                behind,
                ..answer(Some(1))
            }),
            ..read(5, None)
        };
        assert!(own_writes(&[answered(1, 2), answered(3, 4), list(true)]));
        assert!(!own_writes(&[answered(1, 2), answered(3, 4), list(false)]));
    }

    #[test]
    fn a_deleted_customer_is_not_shown() {
        let deletion = with(answered(3, 4), |write| {
            (write.deletes, write.sets, write.shows) = (true, None, None);
        });
        assert!(own_writes(&[
            answered(1, 2),
            deletion.clone(),
            read(5, None)
        ]));
        assert!(!own_writes(&[answered(1, 2), deletion, read(5, Some(1))]));
    }

    #[test]
    fn a_write_shows_itself() {
        let stale = Attempt {
            outcome: Outcome::Answered(answer(Some(1))),
            ..answered(3, 4)
        };
        assert!(!own_writes(&[answered(1, 2), stale]));
    }
}
