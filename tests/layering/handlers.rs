//! Handlers of the shops read, call and answer.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::rule::Rule;
use crate::text::{code, is_of, is_test, lines_with, project};

fn is_shop_handler(path: &str) -> bool {
    ["src/http/medusa", "src/http/shopline"]
        .iter()
        .any(|module| is_of(module, path))
        && !is_test(path)
}

const BODIES: Rule = Rule {
    why: "a shop's JSON is made by its contract or its projection, never where a request is handled",
    about: is_shop_handler,
    broken_by: |text| lines_with(text, &["json!"]),
    exceptions: &[],
};

#[test]
fn no_handler_of_a_shop_writes_json() {
    BODIES.refuses("src/http/shopline/lists.rs", "let body = json!({});");
    BODIES.refuses("src/http/medusa.rs", "serde_json::json!([])");
    BODIES.allows("src/http/ledger.rs", "json!({})");
    BODIES.allows("src/http/medusa.rs", "json(body)");
    BODIES.holds();
}

/// The enums of the domain.
static ENUMS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let name = |line: &str| {
        let (_, after) = line.split_once("pub enum ")?;
        let is_in_name = |char: char| char.is_alphanumeric() || char == '_';
        after
            .split(|char| !is_in_name(char))
            .next()
            .map(ToOwned::to_owned)
    };
    project()
        .iter()
        .filter(|(path, _)| is_of("src/domain", path))
        .flat_map(|(_, text)| {
            code(text)
                .filter_map(|(_, line)| name(line))
                .collect::<Vec<_>>()
        })
        .collect()
});

const DECISIONS: Rule = Rule {
    why: "what follows from a state or a refusal of the domain is decided by the domain and put in \
          words by the contract: a handler passes it on",
    about: is_shop_handler,
    broken_by: |text| {
        let lines = code(text).filter(|(_, line)| ENUMS.iter().any(|name| is_matched(line, name)));
        lines.map(|(number, _)| number).collect()
    },
    exceptions: &[],
};

/// Whether a line takes a value of this enum for a pattern, or compares with one.
fn is_matched(line: &str, name: &str) -> bool {
    let variant = format!("{name}::");
    let is_in_name = |char: char| char.is_alphanumeric() || char == '_';
    line.match_indices(&variant).any(|(at, _)| {
        let (before, rest) = line.split_at(at);
        let path_ends = before.rfind(|char| !is_in_name(char) && char != ':');
        let (before, path) = before.split_at(path_ends.map_or(0, |at| at + 1));
        let is_whole = path.is_empty() || path.ends_with("::");
        let before = before.trim_end();
        let is_arm = rest.contains("=>") && !before.contains("=>");
        let is_pattern = before.trim_start().starts_with('|')
            || before.contains("matches!(")
            || before
                .rsplit_once("let")
                .is_some_and(|(_, after)| !after.contains('='));
        let is_compared = before.ends_with("==") || before.ends_with("!=");
        is_whole && (is_arm || is_pattern || is_compared)
    })
}

#[test]
fn no_handler_of_a_shop_matches_an_enum_of_the_domain() {
    assert!(ENUMS.contains("Refusal"), "the domain is where it was");
    for bad in [
        "        Refusal::NotInvitable => 1,",
        "        | Refusal::NotInvitable",
        "        Err(Error::Refused(Refusal::NotInvitable)) => 1,",
        "    let live = state.life == Life::Live;",
        "    if matches!(refusal, customer::Refusal::NotInvitable) {",
        "    if let Refusal::NotInvitable = refusal {",
        "    let Command::Create(create) = command else {",
    ] {
        DECISIONS.refuses("src/http/shopline/customers.rs", bad);
    }
    for fine in [
        "    let command = Command::Create(create);",
        "    call.execute(stream, Command::Delete)",
        "        Route::Customer => call.execute(Command::Delete),",
        "    let join = |group| Command::JoinGroup { group };",
        "        SomeRefusal::NotInvitable => 1,",
    ] {
        DECISIONS.allows("src/http/shopline/customers.rs", fine);
    }
    DECISIONS.allows(
        "src/contracts/medusa/refusal.rs",
        "Refusal::NotInvitable => 1,",
    );
    DECISIONS.holds();
}
