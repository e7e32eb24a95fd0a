//! The recorded cases, and which of them are held against the ledger today.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// One request to the real Medusa 1.20.11, and its answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// Its place in the recording: later cases depend on what earlier ones left behind.
    pub(crate) n: usize,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    #[serde(default, rename = "note")]
    _note: String,
    /// The request, unless there are several at once.
    pub(crate) request: Option<Request>,
    /// Requests sent at the same time, each `times` over, with `{{i}}` counting.
    #[serde(default)]
    pub(crate) parallel: Vec<Request>,
    pub(crate) times: Option<usize>,
    /// The request sent after those.
    pub(crate) then: Option<Request>,
    /// What to remember of the answer: a variable's name, and a path in the body or `header:name`.
    #[serde(default)]
    pub(crate) save: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) compare: Compare,
    /// Lists whose order is free, besides those that always are.
    #[serde(default)]
    pub(crate) unordered: Vec<String>,
    /// Lists that are ordered by a member, and by nothing where that is equal.
    #[serde(default)]
    pub(crate) ordered_by: BTreeMap<String, String>,
    pub(crate) answer: Option<Recorded>,
    #[serde(rename = "answers")]
    _answers: Option<BTreeMap<String, usize>>,
    #[serde(rename = "then_answer")]
    _then_answer: Option<Recorded>,
    /// For each variable that is an id: what the answer shows of its `updated_at`.
    #[serde(default)]
    pub(crate) updated_at: BTreeMap<String, String>,
}

/// What a difference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// The contract: there must be none.
    Contract,
    /// An accident of the real thing: there must be none that is not written down in
    /// `departures.json`.
    Quirk,
    /// Which request wins is not determined: [`super::races`] says what holds all the same.
    Race,
}

/// How much of an answer is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Compare {
    /// All.
    #[default]
    Exact,
    /// Everything but the values in the body.
    Shape,
    /// Only the status.
    Status,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// `token` (the default), `none`, `bearer:VARIABLE` or `cookie:VARIABLE`.
    pub(crate) auth: Option<String>,
    pub(crate) json: Option<Box<RawValue>>,
    pub(crate) raw: Option<Raw>,
    pub(crate) raw_b64: Option<String>,
    /// Headers to add; null takes one away.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Option<String>>,
}

/// A body that is not written as JSON.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Raw {
    Text(String),
    Long {
        prefix: String,
        unit: String,
        count: usize,
        suffix: String,
    },
}

/// An answer of the real thing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recorded {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    /// JSON exactly as it was sent, save for `$repeat`; any other body as a text.
    pub(crate) body: Box<RawValue>,
}

/// A quirk that the ledger does not share, on purpose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Departure {
    pub(crate) name: String,
    /// Why.
    pub(crate) reason: String,
}

/// The variable `run` of the recording: it is part of every e-mail and group name.
pub(crate) const RECORDED_RUN: &str = "r6b01dece";

/// Sections that are held against the ledger in full.
const SECTIONS: [&str; 10] = [
    "setup", "auth", "create", "update", "metadata", "expand", "groups", "list", "cgroups", "http",
];
/// But not these, which sign a customer in through the Store API.
const STORE_LOGINS: [&str; 3] = [
    "update-password-old-login",
    "update-password-still-valid",
    "update-password-guest-login",
];

/// The cases that are held against the ledger, in the order of the recording.
pub(crate) fn selected() -> Vec<Case> {
    let is_left_out = |name: &str| STORE_LOGINS.contains(&name);
    let mut cases: Vec<_> = SECTIONS
        .into_iter()
        .flat_map(section)
        .filter(|case| !is_left_out(&case.name))
        .collect();
    cases.sort_by_key(|case| case.n);
    cases
}

/// Requests at the same time, after all others.
pub(crate) fn races() -> Vec<Case> {
    section("race")
}

/// The names of the quirks that may differ.
pub(crate) fn departures() -> BTreeSet<String> {
    read::<Departure>("departures")
        .into_iter()
        .inspect(|departure| assert!(!departure.reason.is_empty(), "{}", departure.name))
        .map(|departure| departure.name)
        .collect()
}

fn section(name: &str) -> Vec<Case> {
    read(name)
}

fn read<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/conformance/medusa")
        .join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_cases_are_those_that_were_promised() {
    let count = |kind| selected().iter().filter(|case| case.kind == kind).count();
    assert_eq!((count(Kind::Contract), count(Kind::Quirk)), (279, 56));
}

#[test]
fn every_recorded_section_can_be_read() {
    let all: usize = ["race", "store"]
        .into_iter()
        .chain(SECTIONS)
        .map(|name| section(name).len())
        .sum();
    assert_eq!(all, 397);
}

#[test]
fn departures_are_selected_quirks() {
    let cases = selected();
    for name in departures() {
        let case = cases.iter().find(|case| case.name == name);
        assert_eq!(case.map(|case| case.kind), Some(Kind::Quirk), "{name}");
    }
}
