//! Which record made each value of a document what it is.

use events::ids::Position;
use events::record::StreamKind;
use serde_json::{Value, json};

use super::Questions;
use crate::history::blame::{Leaf, blame};
use crate::history::{Error, Shape, When, cause, parsed};

impl Questions<'_> {
    /// Each leaf of the document at a point in time, or of what stands at a pointer in it, with the
    /// record that made it so.
    pub async fn blame(
        &self,
        id: &str,
        pointer: Option<&str>,
        as_of: Option<When>,
        shape: &Shape,
    ) -> Result<Vec<Leaf>, Error> {
        let found = self.find(id).await?;
        let shape = shape.of(found.kind)?;
        let pointer = pointer.map(|pointer| below(found.kind, pointer));
        let pointer = pointer.transpose()?;
        let position = self.position(as_of, &found).await?;
        self.note(&found.stream, "blame").await?;
        let past = self.past(&found, position).await?;
        let document = self.document(&found, &past, &shape).await?;
        if let Some(pointer) = &pointer
            && parsed(Some(&document)).pointer(pointer).is_none()
        {
            return Err(Error::NothingThere);
        }
        let history = self.history(&found, Position::START, position).await?;
        let mut leaves = blame(&history, &shape);
        if let Some(pointer) = pointer {
            let is_below = |leaf: &str| {
                let rest = leaf.strip_prefix(&pointer);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            leaves.retain(|leaf| is_below(&leaf.pointer));
        }
        Ok(leaves)
    }
}

/// The leaves as JSON.
pub(crate) fn blame_json(leaves: &[Leaf]) -> Value {
    let leaf = |leaf: &Leaf| {
        json!({
            "pointer": leaf.pointer,
            "value": leaf.value,
            "by": cause::cause(&leaf.by, true),
        })
    };
    json!({ "leaves": leaves.iter().map(leaf).collect::<Vec<_>>() })
}

/// A JSON Pointer into a document; what does not begin there begins at the customer or group in it.
fn below(kind: StreamKind, pointer: &str) -> Result<String, Error> {
    let member = match kind {
        StreamKind::Customer => "customer",
        StreamKind::CustomerGroup => "customer_group",
    };
    let is_escaped = |step: &str| {
        step.split('~')
            .skip(1)
            .all(|rest| rest.starts_with(['0', '1']))
    };
    if !pointer.is_empty() && !pointer.starts_with('/') || !is_escaped(pointer) {
        return Err(Error::NotAPointer);
    }
    let is_whole = pointer.is_empty() || pointer.split('/').nth(1) == Some(member);
    Ok(if is_whole {
        pointer.to_owned()
    } else {
        format!("/{member}{pointer}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_begins_at_the_document_or_at_the_customer_in_it() {
        let read = |pointer: &str| below(StreamKind::Customer, pointer).ok();
        for (pointer, expected) in [
            ("", Some("")),
            ("/customer/email", Some("/customer/email")),
            ("/email", Some("/customer/email")),
            ("/metadata/a~1b~0", Some("/customer/metadata/a~1b~0")),
            ("email", None),
            ("/a~2", None),
            ("/a~", None),
        ] {
            assert_eq!(read(pointer).as_deref(), expected, "{pointer}");
        }
    }
}
