//! `docs/leaf.md` says what the code does: its vectors are computed again.

use events::ids::{Position, Sequence};
use events::record::{StoredRecord, StreamKind};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::files;

/// The page's blocks with a label (```` ```json payload ````), as label and text, in order.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    page.split("\n```")
        .skip(1)
        .step_by(2)
        .map(|block| {
            let (fence, text) = block.split_once('\n').expect("a fence has a line");
            let (_, label) = fence.split_once(' ').expect("every block has a label");
            (label, text)
        })
        .collect()
}

/// One vector of the page.
struct Vector<'a> {
    record: StoredRecord,
    canonical: &'a str,
    leaf: &'a str,
}

fn vectors(page: &str) -> Vec<Vector<'_>> {
    blocks(page)
        .chunks(5)
        .map(|vector| {
            let [
                ("record", record),
                ("payload", payload),
                ("metadata", metadata),
                ("canonical", canonical),
                ("leaf", leaf),
            ] = *vector
            else {
                panic!("a vector has a record, payload, metadata, canonical, leaf: {vector:?}");
            };
            let record: Value = serde_json::from_str(record).unwrap();
            let text = |member: &str| record[member].as_str().unwrap().to_owned();
            let number = |member: &str| record[member].as_i64().unwrap();
            Vector {
                record: StoredRecord {
                    position: Position::new(number("position")),
                    sequence: Sequence::new(number("sequence")),
                    store: text("store").into(),
                    kind: StreamKind::Customer,
                    stream: text("stream").into(),
                    event_type: text("type"),
                    event_version: text("version"),
                    payload: payload.to_owned(),
                    metadata: metadata.to_owned(),
                    time: text("time").parse().unwrap(),
                },
                canonical,
                leaf,
            }
        })
        .collect()
}

#[test]
fn the_vectors_of_the_page_are_what_the_code_computes() {
    let page = files::read("../docs/leaf.md");
    let vectors = vectors(&page);
    assert_eq!(vectors.len(), 2);
    for vector in vectors {
        assert_eq!(hex::encode(vector.record.leaf()), vector.leaf);
    }
}

/// The page alone, without the code: its own steps lead from its texts to its leaf.
#[test]
fn the_vectors_of_the_page_follow_from_its_words() {
    let page = files::read("../docs/leaf.md");
    for vector in vectors(&page) {
        let prefixed = [b"\0", vector.canonical.as_bytes()].concat();
        assert_eq!(hex::encode(Sha256::digest(prefixed)), vector.leaf);
        let members: Value = serde_json::from_str(vector.canonical).unwrap();
        assert_eq!(members.to_string(), vector.canonical);
        for (hash, text) in [
            ("payload_sha256", &vector.record.payload),
            ("metadata_sha256", &vector.record.metadata),
        ] {
            assert_eq!(members[hash], hex::encode(Sha256::digest(text)));
        }
        assert_eq!(members["time"], vector.record.time.as_microsecond());
    }
}

#[test]
fn one_vector_has_texts_beyond_ascii() {
    let page = files::read("../docs/leaf.md");
    let is_beyond =
        |vector: &Vector<'_>| !vector.record.store.is_ascii() && !vector.record.metadata.is_ascii();
    assert!(vectors(&page).iter().any(is_beyond));
}
