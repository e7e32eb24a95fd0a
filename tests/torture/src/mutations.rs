//! The checker, checked: the ledger without one guard at a time, under one plan for all. Each absence
//! has to be found, by the outside checker alone, and nothing with all guards in place.

use std::path::Path;

use customer_ledger::mutations::Guard;
use tokio_util::sync::CancellationToken;

use crate::plan::{self, Fault};
use crate::report::{Report, Trial};
use crate::run::{Case, run};
use crate::{Error, say};

/// What brings the absence of each guard to light. What happens to the topic comes in this order because
/// a topic that is made anew hides what was wrong with the one before.
const FAULTS: [Fault; 8] = [
    Fault::KillProjector(0),
    Fault::TruncateTopic,
    Fault::StopPostgresAlone,
    Fault::DeleteTopic,
    Fault::KillProjector(1),
    Fault::KillRelayUnnoted,
    Fault::KillRelayUnnoted,
    Fault::KillRelayUnnoted,
];

/// A guard taken away.
struct Mutation {
    /// What is missing.
    name: &'static str,
    how: How,
}

enum How {
    /// The program does without it.
    Program(Guard),
    /// The append function of the database does without it.
    Append(Change),
}

/// A change of the append function.
struct Change {
    /// What the function says.
    guard: &'static str,
    /// What it says instead.
    instead: &'static str,
    /// What is changed beside it.
    then: &'static str,
}

impl Change {
    /// The change as SQL, which fails where nothing would change.
    fn sql(&self) -> String {
        let Self {
            guard,
            instead,
            then,
        } = self;
        format!(
            "do $do$ declare \
                 whole text := pg_get_functiondef('append'::regproc); \
                 changed text := replace(whole, $guard${guard}$guard$, $guard${instead}$guard$); \
             begin \
                 if changed = whole then raise exception 'append has no such guard'; end if; \
                 execute changed; \
             end $do$; {then}"
        )
    }
}

const MUTATIONS: [Mutation; 13] = [
    Mutation {
        name: "no lock around an append",
        // Without the constraint, too: else Postgres itself would refuse what the lock prevents.
        how: How::Append(Change {
            guard: "perform pg_advisory_xact_lock(1818453874);",
            instead: "",
            then: "alter table events drop constraint events_position_is_unique; \
                create index events_by_position on events (position)",
        }),
    },
    Mutation {
        name: "no check of the sequence that a command was decided on",
        how: How::Append(Change {
            guard: "where s.sequence is distinct",
            instead: "where false and s.sequence is distinct",
            then: "alter table events drop constraint events_pkey; \
                create index events_by_stream on events (aggregate_type, aggregate_id, sequence)",
        }),
    },
    Mutation {
        name: "an append is answered before it is on the disk",
        how: How::Append(Change {
            guard: "perform pg_advisory_xact_lock(1818453874);",
            instead: "perform pg_advisory_xact_lock(1818453874); \
                perform set_config('synchronous_commit', 'off', true);",
            then: "",
        }),
    },
    Mutation {
        name: "a claim is not checked",
        how: How::Append(Change {
            guard: "where c.take and c.stream <> (",
            instead: "where false and c.stream <> (",
            then: "",
        }),
    },
    Mutation {
        name: "\"nothing changes\" is not confirmed",
        how: How::Program(Guard::Confirmation),
    },
    Mutation {
        name: "an idempotency key is not known again",
        how: How::Program(Guard::Repeats),
    },
    Mutation {
        name: "a read by id shows the view's row alone",
        how: How::Program(Guard::Tail),
    },
    Mutation {
        name: "a list neither waits nor says that it is behind",
        how: How::Program(Guard::Lists),
    },
    Mutation {
        name: "two cursors: the relay goes on from its marks alone",
        how: How::Program(Guard::TopicIsCursor),
    },
    Mutation {
        name: "no lease and no fence: two relays at a time",
        how: How::Program(Guard::OneRelay),
    },
    Mutation {
        name: "a topic that lost records is not filled again",
        how: How::Program(Guard::LostRecords),
    },
    Mutation {
        name: "what the topic does not bring does not come from the store",
        how: How::Program(Guard::Healing),
    },
    Mutation {
        name: "offsets are written before the views",
        how: How::Program(Guard::OffsetsWithViews),
    },
];

/// Tries every mutation, and the program as it is. `only` names a part of those wanted.
pub(crate) async fn try_all(
    seed: u64,
    program: &Path,
    only: &str,
    stop: &CancellationToken,
) -> Result<Vec<Trial>, Error> {
    let mut trials = vec![];
    let whole = Trial {
        name: "nothing",
        has_to_hold: true,
        report: attempt(seed, program, None, stop).await?,
    };
    tell(&whole);
    trials.push(whole);
    for mutation in MUTATIONS.iter().filter(|it| it.name.contains(only)) {
        let trial = Trial {
            name: mutation.name,
            has_to_hold: false,
            report: attempt(seed, program, Some(&mutation.how), stop).await?,
        };
        tell(&trial);
        trials.push(trial);
    }
    Ok(trials)
}

async fn attempt(
    seed: u64,
    program: &Path,
    how: Option<&How>,
    stop: &CancellationToken,
) -> Result<Report, Error> {
    let steps = plan::in_order(seed, &FAULTS);
    let (sql, settings) = match how {
        None => (String::new(), vec![]),
        Some(How::Append(change)) => (change.sql(), vec![]),
        Some(How::Program(guard)) => (
            String::new(),
            vec![("LEDGER_MUTATION", format!("{guard:?}"))],
        ),
    };
    let case = Case {
        seed,
        length: plan::length(&steps),
        steps,
        program: program.to_owned(),
        sql,
        settings,
    };
    run(&case, stop).await
}

fn tell(trial: &Trial) {
    say(&format!(
        "without {}: {}",
        trial.name,
        trial.report.finding()
    ));
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The append function as the last migration leaves it.
    fn append() -> String {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
        let files = fs::read_dir(directory).unwrap();
        let texts = files.map(|file| file.unwrap().path()).map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path, text)
        });
        let of_append = texts.filter(|(_, text)| text.contains("function append("));
        of_append.max().unwrap().1
    }

    #[test]
    fn every_guard_that_is_taken_away_is_there() {
        let append = append();
        for Mutation { name, how } in &MUTATIONS {
            if let How::Append(Change { guard, .. }) = how {
                assert!(append.contains(guard), "{name}");
            }
        }
    }
}
