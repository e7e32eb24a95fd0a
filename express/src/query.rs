//! Query strings, as Express' extended parser reads them.
//!
//! Source: qs 6.11 with Express' options: nesting to depth 5, list indexes to 20, 1000 parameters.
//! The result is a JSON object of texts, lists and objects, so that it is validated like a body.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::json;
use crate::path::is_percent_encoded;

/// How many brackets of a key are read; the rest is one key.
const DEPTH_MAX: usize = 5;
/// The greatest index that makes a list; a greater one makes an object.
const INDEX_MAX: usize = 20;
/// How many parameters are read.
const PARAMETERS_MAX: usize = 1000;

/// Reads a query string, given without its `?`.
pub fn parse(query: &str) -> Value {
    let mut root = Node::Object(vec![]);
    for (key, value) in parameters(query) {
        let (parent, brackets) = split_key(&key);
        let mut node = value;
        for bracket in brackets.iter().rev() {
            node = wrap(bracket, node);
        }
        node = match parent {
            None => node,
            Some("__proto__") => Node::Object(vec![]),
            Some(parent) => Node::Object(vec![(parent.to_owned(), node)]),
        };
        root = merge(root, node);
    }
    root.into_value()
}

#[derive(Clone, Debug)]
enum Node {
    Text(String),
    /// What qs makes of a text that is merged into an object: a key that is there.
    Flag,
    /// A list with holes, by index.
    List(BTreeMap<usize, Self>),
    Object(Vec<(String, Self)>),
}

/// The parameters in order, one for each key: repeated ones are a list.
fn parameters(query: &str) -> Vec<(String, Node)> {
    let mut parameters: Vec<(String, Node)> = vec![];
    for part in query.split('&').take(PARAMETERS_MAX) {
        let at = part
            .find("]=")
            .map_or_else(|| part.find('='), |at| Some(at + 1));
        let (key, value) = at
            .and_then(|at| part.split_at_checked(at))
            .map_or((part, ""), |(key, value)| {
                (key, value.strip_prefix('=').unwrap_or(value))
            });
        let (key, value) = (decode(key), Node::Text(decode(value)));
        if key.is_empty() {
            continue;
        }
        match parameters.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => {
                let before = std::mem::replace(known, Node::Flag);
                *known = concat(before, value);
            }
            None => parameters.push((key, value)),
        }
    }
    parameters
}

/// `+` is a space; what is not percent-encoded UTF-8 stays as it is.
fn decode(text: &str) -> String {
    let text = text.replace('+', " ");
    if !is_percent_encoded(&text) {
        return text;
    }
    percent_decode_str(&text)
        .decode_utf8()
        .map_or_else(|_| text.clone(), Into::into)
}

/// A key's parent (`None` where it begins with a bracket) and its brackets, the last one holding
/// whatever is beyond the depth.
fn split_key(key: &str) -> (Option<&str>, Vec<String>) {
    let mut brackets = vec![];
    let Some((start, _)) = next_bracket(key, 0) else {
        return (Some(key), brackets);
    };
    let mut from = start;
    while let Some((start, end)) = next_bracket(key, from) {
        if brackets.len() == DEPTH_MAX {
            brackets.push(format!("[{}]", key.get(start..).unwrap_or_default()));
            break;
        }
        brackets.push(key.get(start..end).unwrap_or_default().to_owned());
        from = end;
    }
    (
        key.get(..start).filter(|parent| !parent.is_empty()),
        brackets,
    )
}

/// Where the next `[…]` with no bracket inside begins and ends.
fn next_bracket(key: &str, from: usize) -> Option<(usize, usize)> {
    let mut open = None;
    for (at, char) in key.char_indices().skip_while(|(at, _)| *at < from) {
        match (char, open) {
            ('[', _) => open = Some(at),
            (']', Some(start)) => return Some((start, at + 1)),
            _ => {}
        }
    }
    None
}

fn wrap(bracket: &str, node: Node) -> Node {
    let name = bracket
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(bracket);
    if name.is_empty() {
        return match node {
            Node::List(_) => node,
            Node::Text(_) | Node::Flag | Node::Object(_) => list([node]),
        };
    }
    let index = name.parse::<usize>().ok();
    match index.filter(|index| *index <= INDEX_MAX && index.to_string() == name) {
        Some(index) => Node::List(BTreeMap::from([(index, node)])),
        None if name == "__proto__" => Node::Object(vec![]),
        None => Node::Object(vec![(name.to_owned(), node)]),
    }
}

fn list(nodes: impl IntoIterator<Item = Node>) -> Node {
    Node::List(nodes.into_iter().enumerate().collect())
}

/// Both, as one list: a list given counts as its items.
fn concat(one: Node, other: Node) -> Node {
    let items = |node| match node {
        Node::List(items) => items.into_values().collect(),
        Node::Text(_) | Node::Flag | Node::Object(_) => vec![node],
    };
    list(items(one).into_iter().chain(items(other)))
}

/// qs' `merge`: into an object by key, into a list by index where there are lists on both sides.
fn merge(target: Node, source: Node) -> Node {
    match (target, source) {
        (target, Node::Text(text)) if text.is_empty() => target,
        (Node::List(items), text @ (Node::Text(_) | Node::Flag)) => Node::List(push(items, text)),
        (Node::Object(members), Node::Text(text)) => {
            Node::Object(put(members, text, Node::Flag, |_, new| new))
        }
        (Node::List(mut items), Node::List(source)) => {
            for (index, node) in source {
                items = match items.remove(&index) {
                    None => {
                        items.insert(index, node);
                        items
                    }
                    Some(known @ (Node::List(_) | Node::Object(_)))
                        if matches!(node, Node::List(_) | Node::Object(_)) =>
                    {
                        items.insert(index, merge(known, node));
                        items
                    }
                    Some(known) => {
                        items.insert(index, known);
                        push(items, node)
                    }
                };
            }
            Node::List(items)
        }
        (Node::List(items), source @ Node::Object(_)) => {
            let members = items
                .into_iter()
                .map(|(index, node)| (index.to_string(), node))
                .collect();
            merge(Node::Object(members), source)
        }
        (Node::Object(mut members), source @ (Node::List(_) | Node::Object(_))) => {
            for (key, node) in entries(source) {
                members = put(members, key, node, merge);
            }
            Node::Object(members)
        }
        (target, source) => concat(target, source),
    }
}

fn push(mut items: BTreeMap<usize, Node>, node: Node) -> BTreeMap<usize, Node> {
    let next = items.last_key_value().map_or(0, |(index, _)| index + 1);
    items.insert(next, node);
    items
}

fn put(
    mut members: Vec<(String, Node)>,
    key: String,
    node: Node,
    join: impl Fn(Node, Node) -> Node,
) -> Vec<(String, Node)> {
    match members.iter_mut().find(|(known, _)| *known == key) {
        Some((_, known)) => {
            let before = std::mem::replace(known, Node::Flag);
            *known = join(before, node);
        }
        None => members.push((key, node)),
    }
    members
}

fn entries(node: Node) -> Vec<(String, Node)> {
    match node {
        Node::Object(members) => members,
        Node::List(items) => items
            .into_iter()
            .map(|(index, node)| (index.to_string(), node))
            .collect(),
        Node::Text(_) | Node::Flag => vec![],
    }
}

impl Node {
    /// The node as JSON, its lists without holes.
    fn into_value(self) -> Value {
        match self {
            Self::Text(text) => Value::String(text),
            Self::Flag => Value::Bool(true),
            Self::List(items) => items.into_values().map(Self::into_value).collect(),
            Self::Object(members) => {
                let members: Map<String, Value> = members
                    .into_iter()
                    .map(|(key, node)| (key, node.into_value()))
                    .collect();
                Value::Object(json::in_order(members))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What qs 6.11.0 itself made of each.
    #[test]
    fn queries_are_read_as_qs_reads_them() {
        for (query, expected) in [
            ("", "{}"),
            ("a=b", r#"{"a":"b"}"#),
            ("a", r#"{"a":""}"#),
            ("a=b&a=c", r#"{"a":["b","c"]}"#),
            ("a[]=b", r#"{"a":["b"]}"#),
            ("a[]=b&a[]=c", r#"{"a":["b","c"]}"#),
            ("a[b]=c", r#"{"a":{"b":"c"}}"#),
            ("a[0]=x", r#"{"a":["x"]}"#),
            ("a[1]=x&a[0]=y", r#"{"a":["y","x"]}"#),
            ("a[21]=x", r#"{"a":{"21":"x"}}"#),
            ("a[25]=x", r#"{"a":{"25":"x"}}"#),
            ("a[a]=x", r#"{"a":{"a":"x"}}"#),
            ("[]=1", r#"{"0":"1"}"#),
            ("[a]=1", r#"{"a":"1"}"#),
            ("%", r#"{"%":""}"#),
            ("%=1", r#"{"%":"1"}"#),
            ("a=%", r#"{"a":"%"}"#),
            ("a=%E0%A4%A", r#"{"a":"%E0%A4%A"}"#),
            ("a=b+c%20d%2Bf", r#"{"a":"b c d+f"}"#),
            (
                r"a[b][c][d][e][f][g][h]=x",
                r#"{"a":{"b":{"c":{"d":{"e":{"f":{"[g][h]":"x"}}}}}}}"#,
            ),
            ("a=b&a[c]=d", r#"{"a":["b",{"c":"d"}]}"#),
            ("a[c]=d&a=b", r#"{"a":{"c":"d","b":true}}"#),
            ("a[]=b&a[c]=d", r#"{"a":{"0":"b","c":"d"}}"#),
            ("a[c]=d&a[]=b", r#"{"a":{"0":"b","c":"d"}}"#),
            ("a[]=b&a=c", r#"{"a":["b","c"]}"#),
            ("a=b&a[]=c", r#"{"a":["b","c"]}"#),
            ("a=b&a[]=c&a=d", r#"{"a":["b","d","c"]}"#),
            ("&&a=1&&", r#"{"a":"1"}"#),
            ("=x", "{}"),
            ("a]=1", r#"{"a]":"1"}"#),
            ("a[=1", r#"{"a[":"1"}"#),
            ("a[[b]]=1", r#"{"a[":{"b":"1"}}"#),
            ("a[b]c[d]=1", r#"{"a":{"b":{"d":"1"}}}"#),
            ("__proto__=1", "{}"),
            ("__proto__[a]=1", "{}"),
            ("a[__proto__]=1", r#"{"a":{}}"#),
            ("toString=1", r#"{"toString":"1"}"#),
            ("a[toString]=1", r#"{"a":{"toString":"1"}}"#),
            ("expand[]=groups", r#"{"expand":["groups"]}"#),
            ("a[]", r#"{"a":[""]}"#),
            ("a[]=", r#"{"a":[""]}"#),
            ("a[0]=x&a[0]=y", r#"{"a":[["x","y"]]}"#),
            ("a[0][b]=1&a[0][c]=2", r#"{"a":[{"b":"1","c":"2"}]}"#),
            ("a[0]=x&a[b]=y", r#"{"a":{"0":"x","b":"y"}}"#),
            ("b=1&2=x&1=y", r#"{"1":"y","2":"x","b":"1"}"#),
            ("a[01]=x", r#"{"a":{"01":"x"}}"#),
            ("a%5B0%5D=x", r#"{"a":["x"]}"#),
            ("a=x=y", r#"{"a":"x=y"}"#),
            ("a[b]=x=y", r#"{"a":{"b":"x=y"}}"#),
            ("name[]=x&name[a]=y", r#"{"name":{"0":"x","a":"y"}}"#),
            ("gt[x]=1&gt=2", r#"{"gt":{"2":true,"x":"1"}}"#),
            ("a[]=&a[]=1", r#"{"a":["","1"]}"#),
            ("a[][b]=1&a[][c]=2", r#"{"a":[{"b":"1","c":"2"}]}"#),
            ("a[b]=1&a[b]=2", r#"{"a":{"b":["1","2"]}}"#),
            ("a[b]=1&a[b][c]=2", r#"{"a":{"b":["1",{"c":"2"}]}}"#),
            ("a=&a[b]=1", r#"{"a":["",{"b":"1"}]}"#),
            ("a[b]=1&a=", r#"{"a":{"b":"1"}}"#),
            ("a[0]=1&a=2", r#"{"a":["1","2"]}"#),
            ("a.b=1", r#"{"a.b":"1"}"#),
            ("a[]=1,2", r#"{"a":["1,2"]}"#),
            ("a[b][]=1&a[b][]=2", r#"{"a":{"b":["1","2"]}}"#),
            ("a[2]=x&a[]=y", r#"{"a":["y","x"]}"#),
            ("a[5]=x&a[1]=y&a[5]=z", r#"{"a":["y",["x","z"]]}"#),
        ] {
            assert_eq!(parse(query).to_string(), expected, "{query}");
        }
    }

    #[test]
    fn parameters_beyond_the_limit_are_ignored() {
        let query = format!("{}last=1", "a=1&".repeat(PARAMETERS_MAX));
        assert_eq!(parse(&query).get("last"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(query in "[a-c0-3=&+%\\[\\]é_]{0,40}") {
            prop_assert!(parse(&query).is_object());
        }
    }
}
