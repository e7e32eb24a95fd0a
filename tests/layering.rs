//! The layers, held by reading the sources as text.
//!
//! `events ← projections ← customer-ledger ← tests`; pure files and I/O files are different files.
//! The compiler and `deny.toml` hold part of it; the rest is here. Each rule says why it exists, is
//! tried on a line that breaks it, and names its exceptions: an exception that nothing needs any
//! longer fails, too. The text is what rustfmt writes; comments and test modules are not read.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

/// One rule over the files of the project.
struct Rule {
    /// Why it exists: what a failure says.
    why: &'static str,
    /// Which files it is about, by path from the root.
    about: fn(&str) -> bool,
    /// The lines of a text that break it, from 1.
    broken_by: fn(&str) -> Vec<usize>,
    /// Files that may break it, each with the reason.
    exceptions: &'static [(&'static str, &'static str)],
}

impl Rule {
    /// Fails with every line of the project that breaks the rule.
    #[track_caller]
    fn holds(&self) {
        let mut offences = vec![];
        let mut needed = vec![];
        for (path, text) in project() {
            let lines = self.offending_lines(&path, &text);
            if let Some((path, _)) = self.exceptions.iter().find(|(file, _)| *file == path) {
                needed.extend((!lines.is_empty()).then_some(*path));
                continue;
            }
            for number in lines {
                let line = text.lines().nth(number - 1).unwrap_or_default().trim();
                offences.push(format!("{path}:{number}: {line}"));
            }
        }
        assert!(offences.is_empty(), "{}\n{}", self.why, offences.join("\n"));
        for (path, reason) in self.exceptions {
            assert!(
                needed.contains(path),
                "{path} needs no exception any longer ({reason}): take it from the list"
            );
        }
    }

    /// Fails if the rule overlooks a file with this text.
    #[track_caller]
    fn refuses(&self, path: &str, text: &str) {
        assert!(
            !self.offending_lines(path, text).is_empty(),
            "{path}: {text}"
        );
    }

    /// Fails if the rule takes offence at a file with this text.
    #[track_caller]
    fn allows(&self, path: &str, text: &str) {
        assert_eq!(self.offending_lines(path, text), [0; 0], "{path}: {text}");
    }

    fn offending_lines(&self, path: &str, text: &str) -> Vec<usize> {
        if (self.about)(path) {
            (self.broken_by)(text)
        } else {
            vec![]
        }
    }
}

/// The sources and manifests of the project: paths from its root, and texts.
fn project() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![];
    let mut paths: Vec<_> = [
        "Cargo.toml",
        "src",
        "events",
        "express",
        "projections",
        "devkit",
        "bench",
        "tests",
    ]
    .map(|name| root.join(name))
    .into();
    while let Some(path) = paths.pop() {
        let is_source = |extension| extension == "rs" || extension == "toml";
        if path.is_dir() {
            paths.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.extension().is_some_and(is_source) {
            let relative = path.strip_prefix(root).unwrap().to_str().unwrap();
            files.push((relative.to_owned(), fs::read_to_string(&path).unwrap()));
        }
    }
    files.sort();
    assert!(files.len() > 100, "the sources are where they were");
    files
}

/// The lines of code, with their numbers from 1: no comments, nothing from `mod tests {` on.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..)
        .zip(text.lines())
        .take_while(|(_, line)| *line != "mod tests {")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The lines of code in which one of these stands, whole: `rand::` is not in `operand::`.
fn lines_with(text: &str, words: &[&str]) -> Vec<usize> {
    let is_in_name = |char: char| char.is_alphanumeric() || char == '_';
    let has = |line: &str, word: &str| {
        line.match_indices(word).any(|(at, _)| {
            let (before, from) = line.split_at(at);
            let after = from.strip_prefix(word).unwrap_or_default();
            let ends = !word.ends_with(is_in_name) || !after.starts_with(is_in_name);
            ends && !before.ends_with(is_in_name)
        })
    };
    code(text)
        .filter(|(_, line)| words.iter().any(|word| has(line, word)))
        .map(|(number, _)| number)
        .collect()
}

/// The lines of a manifest that depend on one of these crates, in any of its tables.
fn dependencies_on(manifest: &str, crates: &[&str]) -> Vec<usize> {
    let mut in_dependencies = false;
    let mut lines = vec![];
    for (number, line) in (1..).zip(manifest.lines().map(str::trim)) {
        let name = if let Some(table) = line.strip_prefix('[') {
            let table = table.trim_end_matches(']');
            in_dependencies = table.ends_with("dependencies");
            table
                .split_once("dependencies.")
                .map_or("", |(_, name)| name)
        } else if in_dependencies {
            line.split(['.', '=', ' ']).next().unwrap_or_default()
        } else {
            ""
        };
        // `other = { package = "axum" }` is axum, too.
        let renamed = |name: &&&str| line.contains(&format!("package = \"{name}\""));
        if crates.contains(&name) || crates.iter().any(|name| renamed(&name)) {
            lines.push(number);
        }
    }
    lines
}

/// Whether a path is one of a module's: its file or something in its folder.
fn is_of(module: &str, path: &str) -> bool {
    path.strip_prefix(module)
        .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// The service's files without I/O, less their tests.
fn is_pure_service(path: &str) -> bool {
    [
        "src/domain",
        "src/contracts",
        "src/history/bisect",
        "src/history/blame",
        "src/history/cause",
        "src/history/changes",
        "src/history/diff",
        "src/history/fold",
        "src/history/shape",
        "src/history/told",
        "src/history/when",
    ]
    .iter()
    .any(|module| is_of(module, path))
        && !path.ends_with("/tests.rs")
        && !path.contains("/tests/")
}

const EVENTS: Rule = Rule {
    why: "`events` is what everything else stands on: it knows no other crate of the project and no \
          I/O, so that anyone can decode the ledger with it",
    about: |path| path == "events/Cargo.toml",
    broken_by: |manifest| {
        let above = ["projections", "customer-ledger"];
        let io = [
            "sqlx",
            "rdkafka",
            "axum",
            "tokio",
            "postgres-es",
            "hyper",
            "rand",
        ];
        dependencies_on(manifest, &[&above[..], &io[..]].concat())
    },
    exceptions: &[],
};

#[test]
fn events_depend_on_nothing_of_the_project_and_do_no_io() {
    EVENTS.refuses("events/Cargo.toml", "[dependencies]\nsqlx.workspace = true");
    EVENTS.refuses(
        "events/Cargo.toml",
        "[dev-dependencies]\nprojections = \"1\"",
    );
    EVENTS.refuses("events/Cargo.toml", "[dependencies.tokio]\nversion = \"1\"");
    EVENTS.refuses(
        "events/Cargo.toml",
        "[target.'cfg(unix)'.dependencies]\nt = { package = \"tokio\" }",
    );
    EVENTS.allows(
        "events/Cargo.toml",
        "[dependencies]\nserde.workspace = true",
    );
    EVENTS.holds();
}

const FOUNDATIONS: Rule = Rule {
    why: "`express` is what Node.js and Express do, and `devkit` what tests need: neither knows the \
          ledger, so that every other package may use them",
    about: |path| matches!(path, "express/Cargo.toml" | "devkit/Cargo.toml"),
    broken_by: |manifest| {
        let packages = [
            "bench",
            "customer-ledger",
            "devkit",
            "events",
            "express",
            "projections",
            "torture",
        ];
        dependencies_on(manifest, &packages)
    },
    exceptions: &[],
};

#[test]
fn express_and_devkit_depend_on_no_package_of_the_project() {
    FOUNDATIONS.refuses(
        "express/Cargo.toml",
        "[dependencies]\nevents.workspace = true",
    );
    FOUNDATIONS.refuses(
        "devkit/Cargo.toml",
        "[dev-dependencies]\ncustomer-ledger.workspace = true",
    );
    FOUNDATIONS.allows(
        "express/Cargo.toml",
        "[dependencies]\nserde.workspace = true",
    );
    FOUNDATIONS.holds();
}

const PROJECTIONS: Rule = Rule {
    why: "projections are below the service: they can be built, tested and replayed without it",
    about: |path| path == "projections/Cargo.toml",
    broken_by: |manifest| dependencies_on(manifest, &["customer-ledger"]),
    exceptions: &[],
};

#[test]
fn projections_do_not_depend_on_the_service() {
    PROJECTIONS.refuses(
        "projections/Cargo.toml",
        "[dependencies]\ncustomer-ledger.workspace = true",
    );
    PROJECTIONS.holds();
}

const FRAMEWORKS: Rule = Rule {
    why: "only the service knows how requests arrive, how records travel and how they are stored; \
          another web framework, broker or store must leave events and projections alone",
    about: |path| path.ends_with("/Cargo.toml"),
    broken_by: |manifest| dependencies_on(manifest, &["axum", "rdkafka", "postgres-es"]),
    exceptions: &[(
        "devkit/Cargo.toml",
        "the embedded broker is librdkafka's, and tests read topics with it",
    )],
};

#[test]
fn only_the_service_depends_on_axum_rdkafka_and_postgres_es() {
    let bad = "[dependencies]\naxum.workspace = true";
    FRAMEWORKS.refuses("projections/Cargo.toml", bad);
    FRAMEWORKS.refuses("other/Cargo.toml", bad);
    FRAMEWORKS.allows("Cargo.toml", bad);
    FRAMEWORKS.holds();
}

const HTTP: Rule = Rule {
    why: "`http` is the outermost layer: whatever uses it could not be used without it. Only what \
          puts the process together starts it",
    about: |path| {
        let is_root = ["src/serve", "src/main", "src/cli"]
            .iter()
            .any(|root| is_of(root, path));
        path.starts_with("src/") && !is_of("src/http", path) && !is_root
    },
    broken_by: |text| {
        let mut lines = lines_with(
            text,
            &["crate::http", "super::http", "customer_ledger::http"],
        );
        let grouped = lines_with(text, &["use crate::{"]);
        let http = lines_with(text, &["http"]);
        lines.extend(grouped.into_iter().filter(|line| http.contains(line)));
        lines
    },
    exceptions: &[],
};

#[test]
fn http_is_used_by_nothing_but_what_puts_the_process_together() {
    HTTP.refuses("src/kafka/relay.rs", "use crate::http::Api;");
    HTTP.refuses("src/kafka/relay/lease.rs", "use crate::{config, http};");
    HTTP.refuses("src/kafka/projector.rs", "fn f(api: &crate::http::Api) {}");
    HTTP.allows("src/kafka/relay.rs", "use axum::http::StatusCode;");
    HTTP.allows("src/kafka/relay.rs", "// Used by crate::http.");
    HTTP.allows("src/http/medusa.rs", "use crate::http::Api;");
    HTTP.allows("src/serve.rs", "use crate::http::Api;");
    HTTP.holds();
}

const PURE: Rule = Rule {
    why: "what is decided and what a request means is pure: the same input gives the same output, \
          in a test as in production. Time, ids and what was loaded are arguments",
    about: |path| {
        let is_projection = is_of("projections/src", path) && !path.contains("table");
        let is_package = ["events/src", "express/src"]
            .iter()
            .any(|folder| is_of(folder, path));
        is_package || is_projection || is_pure_service(path)
    },
    broken_by: |text| {
        let outside = [
            "sqlx",
            "axum",
            "rdkafka",
            "tokio",
            "std::fs",
            "std::net",
            "std::env",
            "std::process",
        ];
        let layers = ["crate::event_store", "crate::http"];
        let clock = ["Timestamp::now", "Zoned::now", "SystemTime", "Instant::now"];
        let chance = ["rand::", "Ulid::new", "RandomState"];
        lines_with(text, &[&outside[..], &layers, &clock, &chance].concat())
    },
    exceptions: &[],
};

#[test]
fn decisions_contracts_events_and_views_are_pure() {
    PURE.refuses(
        "src/domain/customer.rs",
        "let now = jiff::Timestamp::now();",
    );
    PURE.refuses("src/domain/claims.rs", "use crate::event_store::Ledger;");
    PURE.refuses("src/domain/group.rs", "let pause = tokio::time::sleep;");
    PURE.refuses("src/contracts/medusa/query.rs", "let n = rand::random();");
    PURE.refuses("projections/src/medusa/render.rs", "sqlx::query(\"\")");
    PURE.refuses("express/src/query.rs", "use tokio::fs;");
    PURE.refuses("events/src/record.rs", "std::fs::read(path)");
    PURE.allows("src/domain/customer.rs", "let operand = operand::of(x);");
    PURE.allows("src/domain/customer.rs", "fn f(now: Timestamp) {}");
    PURE.allows("projections/src/medusa/table.rs", "sqlx::query(\"\")");
    PURE.allows("src/kafka/relay.rs", "Timestamp::now()");
    PURE.holds();
}

const ANSWERS: Rule = Rule {
    why: "every answer is made by a projection's `apply` and `render`: a second mapping from state \
          to a shop's JSON would sooner or later say something else",
    about: |path| {
        let is_layer = is_of("src/http", path) || is_of("src/contracts", path);
        is_layer && !path.ends_with("/tests.rs") && !path.contains("/tests/")
    },
    broken_by: |text| lines_with(text, &["Serialize"]),
    exceptions: &[
        (
            "src/contracts/medusa/error/answer.rs",
            "Medusa's error body: a refusal, with nothing of a customer in it",
        ),
        (
            "src/contracts/shopline/token.rs",
            "the claims of a token: they are signed, not answered",
        ),
        (
            "src/contracts/shopline/list.rs",
            "what is asked of a list: a cursor carries it from page to page, sealed",
        ),
        (
            "src/contracts/shopline/list/page_info.rs",
            "the cursor itself: a place in a list, with nothing of a customer but its id",
        ),
    ],
};

#[test]
fn http_and_contracts_hold_no_serde_type_of_an_answer() {
    ANSWERS.refuses("src/http/shopline.rs", "#[derive(Debug, Serialize)]");
    ANSWERS.refuses("src/http.rs", "#[derive(\n    Debug,\n    Serialize,\n)]");
    ANSWERS.refuses(
        "src/contracts/medusa/query.rs",
        "impl Serialize for Query {",
    );
    ANSWERS.allows("src/contracts/medusa/query.rs", "#[derive(Deserialize)]");
    ANSWERS.allows("src/history/refusals.rs", "#[derive(Serialize)]");
    ANSWERS.holds();
}

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

const FILES: Rule = Rule {
    why: "a module's file bears its name, so that a path can be guessed and a tab be told from \
          another: `foo.rs` beside `foo/`, never `foo/mod.rs`",
    about: |path| path.ends_with("/mod.rs"),
    broken_by: |_| vec![1],
    exceptions: &[],
};

#[test]
fn no_file_is_called_mod() {
    FILES.refuses("src/kafka/relay/mod.rs", "");
    FILES.allows("src/kafka/relay.rs", "");
    FILES.holds();
}
