//! Unsealing a payload's text as it is read, without a tree: folding many records consists mostly of
//! this.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::Number;

use crate::event_store::keys::keyring::KeyError;
use crate::event_store::keys::seal::{SealContext, StreamKey};

/// Why a text could not be opened.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::event_store) enum UnsealError {
    /// It is not JSON.
    Malformed,
    /// A sealed value does not open.
    Key(KeyError),
}

/// Opens every sealed value of a payload's text; without a key each reads as erased.
pub(in crate::event_store) fn unseal_text(
    key: Option<&StreamKey>,
    place: SealContext<'_>,
    text: &str,
) -> Result<String, UnsealError> {
    let mut opening = Opening {
        key,
        place,
        pointer: String::new(),
        opened: String::with_capacity(text.len()),
        failed: None,
    };
    let mut read = serde_json::Deserializer::from_str(text);
    let ended = Here(&mut opening)
        .deserialize(&mut read)
        .and_then(|()| read.end());
    match (ended, opening.failed) {
        (Ok(()), _) => Ok(opening.opened),
        (Err(_), Some(error)) => Err(UnsealError::Key(error)),
        (Err(_), None) => Err(UnsealError::Malformed),
    }
}

struct Opening<'a> {
    key: Option<&'a StreamKey>,
    place: SealContext<'a>,
    pointer: String,
    opened: String,
    failed: Option<KeyError>,
}

impl Opening<'_> {
    fn push_text(&mut self, text: &str) {
        let text = serde_json::to_string(text).expect("a text always serialises");
        self.opened.push_str(&text);
    }

    /// Puts an opened value in the place of a sealed one.
    fn push_opened(&mut self, sealed: &Sealed<'_>) -> Result<(), KeyError> {
        let Some(key) = self.key else {
            self.opened.push_str(r#"{"$erased":true}"#);
            return Ok(());
        };
        let open = key.unseal_text(self.place, &self.pointer, &sealed.n, &sealed.c)?;
        self.opened.push_str(r#"{"$open":"#);
        self.opened.push_str(&open);
        self.opened.push('}');
        Ok(())
    }
}

/// The value that stands at the pointer.
struct Here<'b, 'a>(&'b mut Opening<'a>);

impl<'de> DeserializeSeed<'de> for Here<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Here<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.opened.push_str("null");
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.0.opened.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.0.opened.push_str(&value.to_string());
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.0.opened.push_str(&value.to_string());
        Ok(())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("no number of JSON"))?;
        self.0.opened.push_str(&number.to_string());
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.push_text(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self(opening) = self;
        let length = opening.pointer.len();
        opening.opened.push('[');
        for index in 0.. {
            // What follows the last item is taken back.
            let written = opening.opened.len();
            if index > 0 {
                opening.opened.push(',');
            }
            opening.pointer.push('/');
            opening.pointer.push_str(&index.to_string());
            let item = items.next_element_seed(Here(opening))?;
            opening.pointer.truncate(length);
            if item.is_none() {
                opening.opened.truncate(written);
                break;
            }
        }
        opening.opened.push(']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self(opening) = self;
        let length = opening.pointer.len();
        let start = opening.opened.len();
        opening.opened.push('{');
        let mut is_first = true;
        while let Some(Name(name)) = members.next_key()? {
            if name == "$sealed" {
                let sealed = members.next_value()?;
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                opening.opened.truncate(start);
                return opening.push_opened(&sealed).map_err(|error| {
                    opening.failed = Some(error);
                    A::Error::custom("a value does not open")
                });
            }
            if !is_first {
                opening.opened.push(',');
            }
            is_first = false;
            opening.push_text(&name);
            opening.opened.push(':');
            opening.pointer.push('/');
            if name.contains(['~', '/']) {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                opening.pointer.push_str(&escaped);
            } else {
                opening.pointer.push_str(&name);
            }
            members.next_value_seed(Here(opening))?;
            opening.pointer.truncate(length);
        }
        opening.opened.push('}');
        Ok(())
    }
}

/// A member's name, borrowed where nothing is escaped.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// A sealed value; its number is what it was sealed under, and says nothing to who has the key.
#[derive(Deserialize)]
struct Sealed<'a> {
    #[serde(borrow)]
    n: Cow<'a, str>,
    #[serde(borrow)]
    c: Cow<'a, str>,
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use events::ids::{Sequence, StoreName, StreamId};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::event_store::keys::keyring::Keyring;
    use crate::event_store::keys::unseal::unseal_payload;

    static STORE: LazyLock<StoreName> = LazyLock::new(|| "main".into());
    static STREAM: LazyLock<StreamId> = LazyLock::new(|| "S".into());

    fn place() -> SealContext<'static> {
        SealContext {
            store: &STORE,
            stream: &STREAM,
            sequence: Sequence::new(3),
        }
    }

    fn key() -> StreamKey {
        Keyring::new(&[7; 32]).new_stream_key(&STREAM).0
    }

    /// JSON in which anything may be personal.
    fn payloads() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let name = prop_oneof!["[a/~\"é]{0,3}", Just("$open".to_owned())];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((name, inner.clone()), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
                inner.prop_map(|value| json!({ "$open": value })),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_text_opens_as_its_tree_does(payload in payloads()) {
            let key = key();
            let mut sealed = payload;
            key.seal_payload(place(), &mut sealed);
            let text = sealed.to_string();
            for key in [Some(&key), None] {
                let mut tree: Value = serde_json::from_str(&text).unwrap();
                unseal_payload(key, place(), &mut tree).unwrap();
                prop_assert_eq!(unseal_text(key, place(), &text), Ok(tree.to_string()));
            }
        }
    }

    #[test]
    fn what_does_not_open_says_where() {
        let key = key();
        let mut sealed = json!({ "list": [{ "m/n": { "$open": 1 } }] });
        key.seal_payload(place(), &mut sealed);
        let elsewhere = SealContext {
            sequence: Sequence::new(4),
            ..place()
        };
        let error = KeyError::DoesNotOpen {
            pointer: "/list/0/m~1n".to_owned(),
        };
        let opened = unseal_text(Some(&key), elsewhere, &sealed.to_string());
        assert_eq!(opened, Err(UnsealError::Key(error)));
        for text in ["{", "{\"a\":1}x", "[1,]", r#"{"$sealed":1}"#] {
            assert_eq!(
                unseal_text(Some(&key), place(), text),
                Err(UnsealError::Malformed),
                "{text}"
            );
        }
    }
}
