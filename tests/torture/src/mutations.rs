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
    /// A function of the database does without it.
    Sql(Change),
}

/// A change of a function of the database.
struct Change {
    /// The function.
    function: &'static str,
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
            function,
            guard,
            instead,
            then,
        } = self;
        format!(
            "do $do$ declare \
                 whole text := pg_get_functiondef('{function}'::regproc); \
                 changed text := replace(whole, $guard${guard}$guard$, $guard${instead}$guard$); \
             begin \
                 if changed = whole then raise exception '{function} has no such guard'; end if; \
                 execute changed; \
             end $do$; {then}"
        )
    }
}

const MUTATIONS: [Mutation; 13] = [
    Mutation {
        name: "no lock around an append",
        // Without the constraint, too: else Postgres itself would refuse what the lock prevents.
        how: How::Sql(Change {
            function: "append",
            guard: "perform pg_advisory_xact_lock(1818453874);",
            instead: "",
            then: "alter table events drop constraint events_position_is_unique; \
                create index events_by_position on events (position)",
        }),
    },
    Mutation {
        name: "no check of the sequence that a command was decided on",
        how: How::Sql(Change {
            function: "append_unmet",
            guard: "where s.sequence <>",
            instead: "where false and s.sequence <>",
            then: "alter table events drop constraint events_pkey; \
                create index events_by_stream on events (aggregate_type, aggregate_id, sequence)",
        }),
    },
    Mutation {
        name: "an append is answered before it is on the disk",
        how: How::Sql(Change {
            function: "append",
            guard: "perform pg_advisory_xact_lock(1818453874);",
            instead: "perform pg_advisory_xact_lock(1818453874); \
                perform set_config('synchronous_commit', 'off', true);",
            then: "",
        }),
    },
    Mutation {
        name: "a claim is not checked",
        how: How::Sql(Change {
            function: "append_claimed",
            guard: "h.take and h.holder <> (",
            instead: "false and h.holder <> (",
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
        Some(How::Sql(change)) => (change.sql(), vec![]),
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
    use customer_ledger::database::sql_files::SQL_FILES;

    use super::*;

    #[test]
    fn every_guard_that_is_taken_away_is_there() {
        for Mutation { name, how } in &MUTATIONS {
            if let How::Sql(Change {
                function, guard, ..
            }) = how
            {
                let file = format!("functions/{function}.sql");
                let (_, text) = SQL_FILES.iter().find(|(path, _)| *path == file).unwrap();
                assert_eq!(text.matches(guard).count(), 1, "{name}");
            }
        }
    }
}
