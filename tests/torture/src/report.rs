//! What a run came to, as a page and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::checker::{Evidence, Verdict};
use crate::journal::{Ask, Outcome};

/// How many violations of one promise are shown.
const SHOWN_MAX: usize = 10;

/// One run.
pub(crate) struct Report {
    /// What everything was drawn from.
    pub(crate) seed: u64,
    /// How long the load ran, in seconds.
    pub(crate) seconds: u64,
    /// Which build was tortured.
    pub(crate) program: String,
    /// Faults by kind.
    pub(crate) faults: BTreeMap<&'static str, usize>,
    /// Requests by what became of them.
    pub(crate) requests: BTreeMap<&'static str, usize>,
    /// Events in the end.
    pub(crate) events: usize,
    /// How long relay and projectors took for the rest, in seconds.
    pub(crate) caught_up: Option<f64>,
    /// The promises.
    pub(crate) verdicts: Vec<Verdict>,
}

impl Report {
    /// Sums up what is known and what it was judged to be.
    pub(crate) fn new(
        seed: u64,
        program: String,
        evidence: &Evidence,
        verdicts: Vec<Verdict>,
    ) -> Self {
        let mut faults = BTreeMap::new();
        for done in &evidence.ran.history.faults {
            *faults.entry(done.fault.name()).or_default() += 1;
        }
        let mut requests = BTreeMap::new();
        for attempt in &evidence.attempts {
            let is_write = matches!(attempt.ask, Ask::Write(_));
            let what = match (&attempt.outcome, is_write) {
                (Outcome::Answered(_), true) => "writes answered",
                (Outcome::Refused(_), true) => "writes refused",
                (Outcome::Unknown(_), true) => "writes unanswered",
                (Outcome::Answered(_) | Outcome::Refused(_), false) => "reads answered",
                (Outcome::Unknown(_), false) => "reads unanswered",
            };
            *requests.entry(what).or_default() += 1;
        }
        let (begin, end) = evidence.ran.load;
        Self {
            seed,
            seconds: end.saturating_sub(begin).as_secs(),
            program,
            faults,
            requests,
            events: evidence.events.len(),
            caught_up: evidence.ran.caught_up.map(|time| time.as_secs_f64()),
            verdicts,
        }
    }

    /// Whether every promise holds.
    pub(crate) fn holds(&self) -> bool {
        self.verdicts.iter().all(Verdict::holds)
    }

    /// What was found, in a line: the broken promises, and the first violation of the first of them.
    pub(crate) fn finding(&self) -> String {
        let broken: Vec<&Verdict> = self.verdicts.iter().filter(|it| !it.holds()).collect();
        let names: Vec<&str> = broken.iter().map(|verdict| verdict.name).collect();
        match broken
            .first()
            .and_then(|verdict| verdict.violations.first())
        {
            None => "nothing".to_owned(),
            Some(first) => format!("{}: {first}", names.join(", ")),
        }
    }

    /// As a page.
    pub(crate) fn markdown(&self) -> String {
        let cycles: usize = self.faults.values().sum();
        let held = if self.holds() {
            "every promise held"
        } else {
            "PROMISES WERE BROKEN"
        };
        let mut text = format!(
            "{} s of load, {cycles} faults, {} requests, {} events: **{held}**. Seed {}, {}.\n",
            self.seconds,
            self.requests.values().sum::<usize>(),
            self.events,
            self.seed,
            self.program
        );
        text += "\n| promise | looked at | verdict |\n|---|---|---|\n";
        for verdict in &self.verdicts {
            let said = if verdict.holds() {
                "held".to_owned()
            } else {
                format!("**{} violations**", verdict.violations.len())
            };
            let Verdict {
                promise,
                name,
                checked,
                ..
            } = verdict;
            push(
                &mut text,
                &format!("| {promise}. {name} | {checked} | {said} |"),
            );
        }
        if let Some(seconds) = self.caught_up {
            push(
                &mut text,
                &format!(
                    "\nOnce all was mended, relay and projectors caught up in {seconds:.1} s."
                ),
            );
        }
        text += "\n| fault | times |\n|---|---:|\n";
        for (fault, times) in &self.faults {
            push(&mut text, &format!("| {fault} | {times} |"));
        }
        text += "\n| requests | count |\n|---|---:|\n";
        for (what, count) in &self.requests {
            push(&mut text, &format!("| {what} | {count} |"));
        }
        for verdict in self.verdicts.iter().filter(|verdict| !verdict.holds()) {
            push(
                &mut text,
                &format!("\n{}. {}:\n", verdict.promise, verdict.name),
            );
            for violation in verdict.violations.iter().take(SHOWN_MAX) {
                push(&mut text, &format!("- {violation}"));
            }
            let more = verdict.violations.len().saturating_sub(SHOWN_MAX);
            if more > 0 {
                push(&mut text, &format!("- and {more} more"));
            }
        }
        text
    }

    /// As JSON.
    pub(crate) fn json(&self) -> Value {
        let verdicts = self.verdicts.iter().map(|verdict| {
            json!({
                "promise": verdict.promise, "name": verdict.name, "holds": verdict.holds(),
                "checked": verdict.checked, "violations": verdict.violations,
            })
        });
        json!({
            "seed": self.seed, "seconds": self.seconds, "program": self.program,
            "holds": self.holds(), "cycles": self.faults.values().sum::<usize>(),
            "faults": self.faults, "requests": self.requests, "events": self.events,
            "caught_up_seconds": self.caught_up, "promises": verdicts.collect::<Vec<_>>(),
        })
    }
}

/// A run without one of the guards.
pub(crate) struct Trial {
    /// What was missing.
    pub(crate) name: &'static str,
    /// Whether nothing was.
    pub(crate) has_to_hold: bool,
    /// What it came to.
    pub(crate) report: Report,
}

impl Trial {
    /// Whether it came to what it had to.
    pub(crate) fn is_right(&self) -> bool {
        self.report.holds() == self.has_to_hold
    }
}

/// All trials, as a page.
pub(crate) fn table(trials: &[Trial]) -> String {
    let mut text = "| taken away | found | by |\n|---|---|---|\n".to_owned();
    for trial in trials {
        let found = match (trial.report.holds(), trial.has_to_hold) {
            (true, true) => "every promise held",
            (false, true) => "**PROMISES WERE BROKEN**",
            (false, false) => "yes",
            (true, false) => "**NO**",
        };
        let by = trial.report.finding();
        push(&mut text, &format!("| {} | {found} | {by} |", trial.name));
    }
    text
}

fn push(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a text never fails");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(violations: Vec<String>) -> Report {
        Report {
            seed: 7,
            seconds: 120,
            program: "a debug build".to_owned(),
            faults: BTreeMap::from([("kill -9 of Kafka", 2)]),
            requests: BTreeMap::from([("writes answered", 90)]),
            events: 80,
            caught_up: Some(1.25),
            verdicts: vec![Verdict {
                promise: 2,
                name: "Gapless",
                checked: "80 events".to_owned(),
                violations,
            }],
        }
    }

    #[test]
    fn a_page_says_what_was_done_and_what_held() {
        let page = report(vec![]).markdown();
        for line in [
            "120 s of load, 2 faults, 90 requests, 80 events: **every promise held**. Seed 7, a debug build.",
            "| 2. Gapless | 80 events | held |",
            "| kill -9 of Kafka | 2 |",
        ] {
            assert!(page.contains(line), "{page}");
        }
    }

    #[test]
    fn a_violation_is_in_the_page_and_in_the_json() {
        let broken = report(vec!["position 3 is missing".to_owned()]);
        assert!(!broken.holds());
        assert!(broken.markdown().contains("- position 3 is missing"));
        assert_eq!(broken.json()["holds"], false);
        assert_eq!(
            broken.json()["promises"][0]["violations"][0],
            "position 3 is missing"
        );
    }
}
