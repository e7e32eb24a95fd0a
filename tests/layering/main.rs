//! The layers, held by reading the sources as text.
//!
//! `events ← projections ← customer-ledger ← tests`; pure files and I/O files are different files.
//! The compiler and `deny.toml` hold part of it; the rest is here. Each rule says why it exists, is
//! tried on a line that breaks it, and names its exceptions: an exception that nothing needs any
//! longer fails, too. The text is what rustfmt writes; comments and test modules are not read.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod architecture;
mod circles;
mod exhaustive;
mod handlers;
mod rule;
mod sizes;
mod text;
mod visibility;

use crate::rule::Rule;
use crate::text::{dependencies_on, is_of, is_test, lines_with};

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
        && !is_test(path)
}

const EVENTS: Rule = Rule {
    why: "`events` is what everything else stands on: it knows no other crate of the project and no \
          I/O, so that anyone can decode the ledger with it. Its optional feature `sqlx` only says \
          that an id is a text or a number as a column, too",
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
        let derives_columns = |number: &usize| {
            let line = manifest.lines().nth(number - 1).unwrap_or_default();
            line.starts_with("sqlx =") && line.contains("optional = true")
        };
        let mut lines = dependencies_on(manifest, &[&above[..], &io[..]].concat());
        lines.retain(|number| !derives_columns(number));
        lines
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
    EVENTS.refuses(
        "events/Cargo.toml",
        "[dependencies]\ntokio = { workspace = true, optional = true }",
    );
    EVENTS.allows(
        "events/Cargo.toml",
        "[dependencies]\nserde.workspace = true",
    );
    EVENTS.allows(
        "events/Cargo.toml",
        "[dependencies]\nsqlx = { workspace = true, optional = true }",
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
        let mut lines = lines_with(text, &[&outside[..], &layers, &clock, &chance].concat());
        // The ids of `events` are columns, too.
        let columns = lines_with(text, &[r#"cfg_attr(feature = "sqlx", derive(sqlx::Type)"#]);
        lines.retain(|number| !columns.contains(number));
        lines
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
    PURE.allows(
        "events/src/ids/text.rs",
        r#"#[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(transparent))]"#,
    );
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
        is_layer && !is_test(path)
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
