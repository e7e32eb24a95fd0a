//! JSON that keeps what a comparison must not lose: the order of members, repeated members, and
//! numbers as written, so that 1 is not 1.0.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// One JSON value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tree {
    /// A number, a boolean or null, as written.
    Literal(String),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Tree {
    pub(crate) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        Self::from_raw(serde_json::from_str(text)?)
    }

    pub(crate) fn from_raw(raw: &RawValue) -> Result<Self, serde_json::Error> {
        let text = raw.get();
        Ok(match text.bytes().next() {
            Some(b'"') => Self::Text(serde_json::from_str(text)?),
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text)?;
                let items: Result<_, _> = items.into_iter().map(Self::from_raw).collect();
                Self::List(items?)
            }
            Some(b'{') => {
                let Members(members) = serde_json::from_str(text)?;
                let members: Result<_, _> = members
                    .into_iter()
                    .map(|(key, value)| Ok((key, Self::from_raw(&value)?)))
                    .collect();
                Self::Object(members?)
            }
            Some(_) | None => Self::Literal(text.to_owned()),
        })
    }

    /// The member of this name, or the item at this index.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members
                .iter()
                .find(|(known, _)| known == key)
                .map(|(_, value)| value),
            Self::List(items) => items.get(key.parse::<usize>().ok()?),
            Self::Literal(_) | Self::Text(_) => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Literal(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// The tree with every text and every key replaced, and `{"$repeat":[text, times]}` written
    /// out: that is how long texts stand in the cases.
    pub(crate) fn map<E>(&self, to: &impl Fn(&str) -> Result<String, E>) -> Result<Self, E> {
        if let Some(text) = self.repeated() {
            return Ok(Self::Text(text));
        }
        Ok(match self {
            Self::Literal(literal) => Self::Literal(literal.clone()),
            Self::Text(text) => Self::Text(to(text)?),
            Self::List(items) => {
                let items: Result<_, E> = items.iter().map(|item| item.map(to)).collect();
                Self::List(items?)
            }
            Self::Object(members) => {
                let members: Result<_, E> = members
                    .iter()
                    .map(|(key, value)| Ok((to(key)?, value.map(to)?)))
                    .collect();
                Self::Object(members?)
            }
        })
    }

    fn repeated(&self) -> Option<String> {
        match self {
            Self::Object(members) if members.len() == 1 => {
                let repeat = self.get("$repeat")?;
                let Self::Literal(times) = repeat.get("1")? else {
                    return None;
                };
                Some(repeat.get("0")?.text()?.repeat(times.parse().ok()?))
            }
            Self::Object(_) | Self::Literal(_) | Self::Text(_) | Self::List(_) => None,
        }
    }
}

/// Writes the tree as `JSON.stringify` does.
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: &str| serde_json::to_string(text).expect("a text always serialises");
        match self {
            Self::Literal(literal) => f.write_str(literal),
            Self::Text(plain) => f.write_str(&text(plain)),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", items.join(","))
            }
            Self::Object(members) => {
                let members: Vec<_> = members
                    .iter()
                    .map(|(key, value)| format!("{}:{value}", text(key)))
                    .collect();
                write!(f, "{{{}}}", members.join(","))
            }
        }
    }
}

/// The members of an object as they come, repeated ones included.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = vec![];
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[test]
fn a_tree_keeps_what_was_written() {
    for text in [
        r#"{"b":1,"a":1.0,"b":[1e+21,-0,null,true],"":{}}"#,
        r#"["é\n\"",[],{}]"#,
    ] {
        assert_eq!(Tree::parse(text).unwrap().to_string(), text);
    }
    assert_ne!(Tree::parse("[1]").unwrap(), Tree::parse("[1.0]").unwrap());
    let repeated = Tree::parse(r#"[{"$repeat":["ab",2]}]"#).unwrap();
    let expanded = repeated.map(&|text| Ok::<_, ()>(text.to_owned())).unwrap();
    assert_eq!(expanded.to_string(), r#"["abab"]"#);
}
