//! Matches over events name every event.

use crate::rule::Rule;
use crate::text::{code, is_of};

const EXHAUSTIVE: Rule = Rule {
    why: "a new event must stop the compiler at every reader: an arm that takes whatever is left \
          would let it pass unseen",
    about: |path| {
        ["events/src", "projections/src", "src"]
            .iter()
            .any(|folder| is_of(folder, path))
    },
    broken_by: |text| {
        let lines: Vec<_> = code(text).collect();
        let matches = (0..lines.len()).filter(|at| lines.get(*at).is_some_and(opens_match));
        matches
            .flat_map(|at| catch_alls(lines.get(at..).unwrap_or_default()))
            .collect()
    },
    exceptions: &[],
};

fn opens_match((_, line): &(usize, &str)) -> bool {
    line.split([' ', '(']).any(|word| word == "match")
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The arms that take anything, of a `match` over events that begins with the first line. Its arms
/// stand four columns to the right of it, and it ends where a line stands as far left as it does.
fn catch_alls(lines: &[(usize, &str)]) -> Vec<usize> {
    let Some(((_, first), rest)) = lines.split_first() else {
        return vec![];
    };
    let left = indentation(first);
    let is_last = |line: &str| indentation(line) == left && line.trim_start().starts_with('}');
    let arms = rest
        .iter()
        .take_while(|(_, line)| !is_last(line))
        .filter(|(_, line)| indentation(line) == left + 4);
    let is_over_events = arms.clone().any(|(_, arm)| {
        ["CustomerEvent::", "GroupEvent::"].iter().any(|name| {
            arm.trim_start()
                .trim_start_matches(['|', ' ', '('])
                .starts_with(name)
        })
    });
    arms.filter(|(_, arm)| is_over_events && takes_anything(arm.trim_start()))
        .map(|(number, _)| *number)
        .collect()
}

/// Whether an arm's pattern is `_` or a name, guarded or not, alone or as an alternative.
fn takes_anything(arm: &str) -> bool {
    let Some((pattern, _)) = arm.split_once("=>") else {
        return false;
    };
    let pattern = pattern.split(" if ").next().unwrap_or_default();
    pattern.split('|').map(str::trim).any(|one| {
        let is_name = |char: char| char.is_ascii_lowercase() || char == '_';
        !one.is_empty() && one.chars().all(is_name)
    })
}

#[test]
fn no_arm_takes_whatever_event_is_left() {
    let a_match = |arm: &str| {
        format!(
            "    match event {{\n        CustomerEvent::CustomerCreated(created) => {{\n            \
             match x {{\n                _ => {{}}\n            }}\n        }}\n        {arm}\n    }}\n"
        )
    };
    for arm in ["_ => {}", "other => drop(other),", "_ if late => {}"] {
        EXHAUSTIVE.refuses("projections/src/medusa/customer.rs", &a_match(arm));
        EXHAUSTIVE.refuses("src/domain/customer.rs", &a_match(arm));
    }
    EXHAUSTIVE.allows(
        "src/domain/customer.rs",
        &a_match("CustomerEvent::GroupsAssigned(_) => {}"),
    );
    EXHAUSTIVE.allows(
        "src/domain/customer.rs",
        "match text {\n    \"a\" => 1,\n    _ => 2,\n}",
    );
    EXHAUSTIVE.allows(
        "src/domain/group.rs",
        "match command {\n    _ if late => 1,\n}",
    );
    EXHAUSTIVE.holds();
}
