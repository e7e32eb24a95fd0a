//! What an answer must share with the recorded one, to the character.

use std::collections::BTreeMap;

use express::etag::etag;

use super::cases::{Case, Compare, Recorded};
use super::tree::Tree;
use super::world::World;

/// An answer of the ledger.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// By lower-case name; several of one name are joined by a comma.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// Headers that must be the same, absent ones included.
const HEADERS: [&str; 8] = [
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "content-type",
    "vary",
    "www-authenticate",
    "x-powered-by",
];

/// Lists that neither shop puts in an order.
const UNORDERED: [&str; 3] = ["groups", "shipping_addresses", "orders"];

/// Both runs side by side: the recorded one and the ledger's.
pub(crate) struct Comparison {
    recorded: World,
    /// The ledger's variables.
    pub(crate) world: World,
    /// The last `updated_at` shown of each id.
    seen: BTreeMap<String, String>,
}

impl Comparison {
    pub(crate) fn new(recorded: World, world: World) -> Self {
        Self {
            recorded,
            world,
            seen: BTreeMap::new(),
        }
    }

    /// Everything in which the answer differs from the recorded one. Remembers what the case saves.
    pub(crate) fn differences(&mut self, case: &Case, answer: &Answer) -> Vec<String> {
        let Some(recorded) = &case.answer else {
            return vec!["no answer is recorded".to_owned()];
        };
        let expected = body_of(recorded);
        let has_json = is_json(&answer.headers) && !answer.body.is_empty();
        let actual = if has_json {
            Tree::parse(&answer.body).ok()
        } else {
            Some(Tree::Text(answer.body.clone()))
        };
        let mut found = self.save(case, recorded, &expected, answer, actual.as_ref());
        let updated_at = actual.as_ref().map(|tree| self.updated_at(tree));
        if recorded.status != answer.status {
            found.push(format!("status: {} ≠ {}", recorded.status, answer.status));
        }
        if case.compare == Compare::Status {
            return found;
        }
        found.extend(header_differences(&recorded.headers, answer));
        let Some(actual) = actual else {
            found.push(format!("the body is not JSON: {}", short(&answer.body)));
            return found;
        };
        if has_json && actual.to_string() != answer.body {
            found.push("the body is not written as JavaScript writes it".to_owned());
        }
        let unordered: Vec<_> = UNORDERED
            .into_iter()
            .chain(case.unordered.iter().map(String::as_str))
            .collect();
        let mut expected = self.recorded.normal(&without_hash(&expected), &unordered);
        let mut actual = self.world.normal(&actual, &unordered);
        for (list, member) in &case.ordered_by {
            settle_ties(&mut expected, list, member);
            settle_ties(&mut actual, list, member);
        }
        match case.compare {
            Compare::Shape => differ(&shape(&expected), &shape(&actual), "", &mut found),
            Compare::Exact | Compare::Status => {
                differ(&expected, &actual, "", &mut found);
                let updated_at = updated_at.unwrap_or_default();
                if updated_at != case.updated_at {
                    found.push(format!(
                        "updated_at: {:?} ≠ {updated_at:?}",
                        case.updated_at
                    ));
                }
            }
        }
        found
    }

    /// Takes the recorded answer for the ledger's.
    pub(crate) fn learn(&mut self, case: &Case) {
        if let Some(recorded) = &case.answer {
            self.differences(case, &as_given(recorded));
        }
    }

    fn save(
        &mut self,
        case: &Case,
        recorded: &Recorded,
        expected: &Tree,
        answer: &Answer,
        actual: Option<&Tree>,
    ) -> Vec<String> {
        let mut missing = vec![];
        for (name, path) in &case.save {
            if let Some(value) = pick(path, &recorded.headers, Some(expected)) {
                self.recorded.set(name, value);
            }
            match pick(path, &answer.headers, actual) {
                Some(value) => self.world.set(name, value),
                None => missing.push(format!("there is no {path} to save")),
            }
        }
        missing
    }

    /// For each known id: whether this answer shows the same `updated_at` as the last one did.
    fn updated_at(&mut self, tree: &Tree) -> BTreeMap<String, String> {
        let mut facts = BTreeMap::new();
        self.collect_updated_at(tree, &mut facts);
        facts
            .into_iter()
            .map(|(id, fact)| (self.world.normal_text(&id), fact))
            .filter(|(id, _)| id.starts_with("{{"))
            .collect()
    }

    fn collect_updated_at(&mut self, tree: &Tree, facts: &mut BTreeMap<String, String>) {
        let text = |key| tree.get(key).and_then(Tree::text);
        if let (Some(id), Some(created), Some(updated)) =
            (text("id"), text("created_at"), text("updated_at"))
        {
            let before = self.seen.insert(id.to_owned(), updated.to_owned());
            let fact = match before {
                None => "first",
                Some(before) if before == updated => "same",
                Some(_) => "changed",
            };
            let at_birth = if created == updated {
                " created==updated"
            } else {
                ""
            };
            facts.insert(id.to_owned(), format!("{fact}{at_birth}"));
        }
        match tree {
            Tree::Object(members) => {
                for (_, value) in members {
                    self.collect_updated_at(value, facts);
                }
            }
            Tree::List(items) => {
                for item in items {
                    self.collect_updated_at(item, facts);
                }
            }
            Tree::Literal(_) | Tree::Text(_) => {}
        }
    }
}

/// The recorded body, its long texts written out.
pub(crate) fn body_of(recorded: &Recorded) -> Tree {
    let tree = Tree::from_raw(&recorded.body).expect("recorded bodies are JSON");
    tree.map(&|text| Ok::<_, std::convert::Infallible>(text.to_owned()))
        .unwrap_or_else(|never| match never {})
}

pub(crate) fn is_json(headers: &BTreeMap<String, String>) -> bool {
    headers
        .get("content-type")
        .is_some_and(|content_type| content_type.starts_with("application/json"))
}

fn pick<'a>(
    path: &str,
    headers: &'a BTreeMap<String, String>,
    body: Option<&'a Tree>,
) -> Option<&'a str> {
    match path.strip_prefix("header:") {
        // What a browser sends back of it.
        Some("cookie") => headers.get("set-cookie")?.split(';').next(),
        Some(name) => headers.get(name).map(String::as_str),
        None => path.split('.').try_fold(body?, Tree::get)?.text(),
    }
}

/// The one thing the ledger leaves out on purpose: Medusa shows a customer's password hash to
/// whoever creates it.
fn without_hash(tree: &Tree) -> Tree {
    match tree {
        Tree::Object(members) => Tree::Object(
            members
                .iter()
                .filter(|(key, _)| key != "password_hash")
                .map(|(key, value)| (key.clone(), without_hash(value)))
                .collect(),
        ),
        Tree::List(items) => Tree::List(items.iter().map(without_hash).collect()),
        Tree::Literal(_) | Tree::Text(_) => tree.clone(),
    }
}

/// Puts the items of a top-level list whose member is equal, and which stand together, into an order.
fn settle_ties(tree: &mut Tree, list: &str, member: &str) {
    let Tree::Object(members) = tree else {
        return;
    };
    for (_, value) in members.iter_mut().filter(|(key, _)| key == list) {
        if let Tree::List(items) = value {
            items
                .chunk_by_mut(|one, other| one.get(member) == other.get(member))
                .for_each(<[Tree]>::sort);
        }
    }
}

/// The kinds of the values; of a list, the first one's.
fn shape(tree: &Tree) -> Tree {
    match tree {
        Tree::Text(_) => Tree::Literal("text".to_owned()),
        Tree::Literal(literal) => Tree::Literal(
            match literal.as_str() {
                "null" => "null",
                "true" | "false" => "boolean",
                _ => "number",
            }
            .to_owned(),
        ),
        Tree::List(items) => Tree::List(items.first().map(shape).into_iter().collect()),
        Tree::Object(members) => Tree::Object(
            members
                .iter()
                .map(|(key, value)| (key.clone(), shape(value)))
                .collect(),
        ),
    }
}

fn header_differences(expected: &BTreeMap<String, String>, answer: &Answer) -> Vec<String> {
    let mut found: Vec<_> = HEADERS
        .into_iter()
        .map(|name| (name, expected.get(name), answer.headers.get(name)))
        .filter(|(_, expected, actual)| expected != actual)
        .map(|(name, expected, actual)| format!("{name}: {expected:?} ≠ {actual:?}"))
        .collect();
    let theirs = expected.get("set-cookie").map(|it| attributes(it));
    let ours = answer.headers.get("set-cookie").map(|it| attributes(it));
    if theirs != ours {
        found.push(format!("set-cookie: {theirs:?} ≠ {ours:?}"));
    }
    let tag = answer.headers.get("etag");
    if expected.contains_key("etag") != tag.is_some() {
        found.push(format!("etag: {:?} ≠ {tag:?}", expected.get("etag")));
    }
    if let Some(tag) = tag.filter(|_| !answer.body.is_empty())
        && *tag != etag(answer.body.as_bytes())
    {
        found.push(format!("etag: {tag} is not that of the body"));
    }
    found
}

/// A cookie's name and attributes, less its value and the time it ends.
fn attributes(cookie: &str) -> Vec<&str> {
    cookie
        .split("; ")
        .map(|part| match part.split_once('=') {
            Some((name @ ("connect.sid" | "Expires"), value)) if !value.is_empty() => name,
            Some(_) | None => part,
        })
        .collect()
}

/// Where two trees differ, members compared in their order.
fn differ(expected: &Tree, actual: &Tree, path: &str, found: &mut Vec<String>) {
    match (expected, actual) {
        (Tree::Object(expected), Tree::Object(actual)) => {
            let keys = |members: &[(String, Tree)]| -> Vec<String> {
                members.iter().map(|(key, _)| key.clone()).collect()
            };
            let (left, right) = (keys(expected), keys(actual));
            if left != right {
                found.push(format!("{path}: members {left:?} ≠ {right:?}"));
                return;
            }
            for ((key, expected), (_, actual)) in expected.iter().zip(actual) {
                differ(expected, actual, &format!("{path}.{key}"), found);
            }
        }
        (Tree::List(expected), Tree::List(actual)) => {
            if expected.len() != actual.len() {
                found.push(format!(
                    "{path}: {} items ≠ {}",
                    expected.len(),
                    actual.len()
                ));
            }
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                differ(expected, actual, &format!("{path}[{index}]"), found);
            }
        }
        (expected, actual) => {
            if expected != actual {
                let (left, right) = (expected.to_string(), actual.to_string());
                found.push(format!("{path}: {} ≠ {}", short(&left), short(&right)));
            }
        }
    }
}

fn short(text: &str) -> String {
    const LENGTH_MAX: usize = 300;
    text.chars().take(LENGTH_MAX).collect()
}

/// The recorded answer, as if the ledger had given it.
fn as_given(recorded: &Recorded) -> Answer {
    let body = without_hash(&body_of(recorded));
    let body = body
        .text()
        .map_or_else(|| body.to_string(), ToOwned::to_owned);
    let mut headers = recorded.headers.clone();
    if headers.contains_key("etag") && !body.is_empty() {
        headers.insert("etag".to_owned(), etag(body.as_bytes()));
    }
    Answer {
        status: recorded.status,
        headers,
        body,
    }
}

#[cfg(test)]
mod tests {
    use super::super::cases::{RECORDED_RUN, selected};
    use super::super::proofs;
    use super::*;

    fn comparison() -> Comparison {
        let mut world = World::new(RECORDED_RUN);
        proofs::prepare(&mut world);
        Comparison::new(world.clone(), world)
    }

    #[test]
    fn the_recording_agrees_with_itself() {
        let mut comparison = comparison();
        for case in selected() {
            let answer = as_given(case.answer.as_ref().unwrap());
            let found = comparison.differences(&case, &answer);
            assert!(found.is_empty(), "{}: {found:#?}", case.name);
        }
    }

    /// So the bodies stand here exactly as they were sent.
    #[test]
    fn recorded_bodies_have_the_recorded_etags() {
        let mut checked = 0;
        for case in selected() {
            let recorded = case.answer.unwrap();
            let tag = recorded.headers.get("etag").cloned();
            let body = body_of(&recorded);
            let body = body
                .text()
                .map_or_else(|| body.to_string(), ToOwned::to_owned);
            if let Some(tag) = tag.filter(|_| !body.is_empty()) {
                assert_eq!(tag, etag(body.as_bytes()), "{}", case.name);
                checked += 1;
            }
        }
        assert!(checked > 150, "{checked}");
    }

    /// Changes one thing about a recorded answer and expects that it is noticed.
    #[track_caller]
    fn notices(name: &str, change: impl Fn(&mut Answer), message: &str) {
        let mut comparison = comparison();
        for case in selected() {
            let mut answer = as_given(case.answer.as_ref().unwrap());
            if case.name != name {
                comparison.differences(&case, &answer);
                continue;
            }
            change(&mut answer);
            if answer.headers.contains_key("etag") {
                let tag = etag(answer.body.as_bytes());
                answer.headers.insert("etag".to_owned(), tag);
            }
            let found = comparison.differences(&case, &answer).join("; ");
            assert!(found.contains(message), "{found}");
            return;
        }
        panic!("there is no case {name}");
    }

    fn replace(from: &'static str, to: &'static str) -> impl Fn(&mut Answer) {
        move |answer| {
            assert!(answer.body.contains(from), "{}", answer.body);
            answer.body = answer.body.replace(from, to);
        }
    }

    #[test]
    fn one_is_not_one_point_zero() {
        let change = replace(r#""tier":1"#, r#""tier":1.0"#);
        notices("setup-group-vip", change, ".metadata.tier: 1 ≠ 1.0");
        let change = replace("1e+21", "1e21");
        notices("meta-numbers", change, ".exp: 1e+21 ≠ 1e21");
    }

    #[test]
    fn members_must_all_be_there_in_order() {
        let change = replace(r#""phone":null,"#, "");
        notices("setup-guest", change, "members");
        let change = replace(r#""deleted_at":null,"#, r#""deleted_at":null,"x":1,"#);
        notices("setup-guest", change, "members");
        let change = replace(
            r#""first_name":"Gus","last_name":"Guest""#,
            r#""last_name":"Guest","first_name":"Gus""#,
        );
        notices("setup-guest", change, "members");
    }

    #[test]
    fn a_hash_must_not_be_shown() {
        let change = replace(r#""phone":null"#, r#""password_hash":null,"phone":null"#);
        notices("setup-guest", change, "members");
    }

    #[test]
    fn the_text_is_javascripts() {
        let change = replace(r#"{"customer":"#, r#"{"customer": "#);
        notices("setup-guest", change, "not written as JavaScript");
        let change = replace("ë", "\\u00eb");
        notices("create-unicode", change, "not written as JavaScript");
    }

    #[test]
    fn headers_and_status_count() {
        let name = "setup-guest";
        notices(name, |answer| answer.status = 200, "status: 201 ≠ 200");
        let remove = |header: &'static str| {
            move |answer: &mut Answer| {
                answer.headers.remove(header);
            }
        };
        notices(name, remove("vary"), "vary");
        notices(name, remove("x-powered-by"), "x-powered-by");
        notices(name, remove("etag"), "etag");
        notices(name, remove("content-type"), "content-type");
        let add = |answer: &mut Answer| {
            let (name, value) = ("www-authenticate".to_owned(), "Bearer".to_owned());
            answer.headers.insert(name, value);
        };
        notices("auth-none-get", add, "www-authenticate");
    }

    #[test]
    fn a_moved_clock_counts() {
        let change = |answer: &mut Answer| {
            let at = answer.body.find("\"updated_at\":\"20").unwrap();
            let (start, rest) = answer.body.split_at(at);
            let (_, end) = rest.split_at("\"updated_at\":\"2026".len());
            answer.body = format!("{start}\"updated_at\":\"2027{end}");
        };
        notices("update-empty-object", change, "updated_at");
    }

    #[test]
    fn an_id_that_is_someone_elses_counts() {
        let change = |answer: &mut Answer| {
            let at = answer.body.find("cus_").unwrap() + "cus_".len();
            answer
                .body
                .replace_range(at..at + 26, "01M7ZMWNNJNQPBKNQVFA2C63TX");
        };
        notices(
            "update-empty-object",
            change,
            ".customer.id: \"{{alice}}\" ≠ \"<cus_id>\"",
        );
    }
}
