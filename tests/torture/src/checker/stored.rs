//! Gapless, ordered, exactly once, replayable: what is stored, compared with itself.

use std::collections::{BTreeMap, BTreeSet};

use super::{Evidence, Verdict};
use crate::store::{Event, Views};
use crate::topic::Message;

/// Promise 2: positions are 1..N, sequences of a stream follow them, and so does time.
pub(super) fn gapless(events: &[Event]) -> Verdict {
    let mut violations = vec![];
    let mut last: BTreeMap<&str, i64> = BTreeMap::new();
    let mut time = i64::MIN;
    for (expected, event) in (1..).zip(events) {
        let position = event.position;
        if position != expected {
            violations.push(format!(
                "position {position} stands where {expected} should"
            ));
        }
        let before = last.insert(&event.stream, event.sequence).unwrap_or(0);
        if event.sequence != before + 1 {
            violations.push(format!(
                "position {position} has sequence {} of {}, after {before}",
                event.sequence, event.stream
            ));
        }
        if event.time < time {
            violations.push(format!("time goes back at position {position}"));
        }
        time = event.time;
    }
    Verdict {
        promise: 2,
        name: "Gapless",
        checked: format!("{} events", events.len()),
        violations,
    }
}

/// Promise 3: in the topic a stream is in one partition, its sequences rising.
pub(super) fn ordered(topic: &[Message]) -> Verdict {
    let mut violations = vec![];
    let mut last: BTreeMap<&str, (i32, i64)> = BTreeMap::new();
    for message in topic {
        let (partition, sequence) = (message.partition, message.sequence);
        if let Some((first, before)) = last.insert(&message.key, (partition, sequence)) {
            if first != partition {
                violations.push(format!(
                    "{} is in partitions {first} and {partition}",
                    message.key
                ));
            }
            if sequence < before {
                violations.push(format!(
                    "{}: sequence {sequence} comes after {before}",
                    message.key
                ));
            }
        }
    }
    Verdict {
        promise: 3,
        name: "Ordered",
        checked: format!("{} records of {} streams", topic.len(), last.len()),
        violations,
    }
}

/// Promise 4: the topic holds each event once, as it was written, and what follows the ledger has
/// caught up. That each view holds an event's effect once is seen by comparing it whole: promise 5.
pub(super) fn exactly_once(evidence: &Evidence) -> Verdict {
    let mut violations = vec![];
    if evidence.ran.caught_up.is_none() {
        violations.push("relay or projectors did not catch up once all was mended".to_owned());
    }
    let mut seen: BTreeSet<i64> = BTreeSet::new();
    let events: BTreeMap<i64, &Event> = evidence.events.iter().map(|e| (e.position, e)).collect();
    for message in &evidence.topic {
        let position = message.position;
        if !seen.insert(position) {
            violations.push(format!("position {position} is in the topic twice"));
        }
        let as_written = events.get(&position).is_some_and(|event| {
            event.stream == message.key
                && event.sequence == message.sequence
                && event.payload == message.value
        });
        if !as_written {
            violations.push(format!(
                "the topic's position {position} is not what was written"
            ));
        }
    }
    for position in events.keys() {
        // What we cut off ourselves may be gone.
        if !seen.contains(position) && *position > evidence.ran.history.truncated {
            violations.push(format!("position {position} is not in the topic"));
        }
    }
    Verdict {
        promise: 4,
        name: "Exactly once",
        checked: format!("{} records", evidence.topic.len()),
        violations,
    }
}

/// Promise 5: the stored views are what follows from the events, to the byte.
pub(super) fn replayable(views: &Views, folded: &Result<Views, String>) -> Verdict {
    let mut violations = vec![];
    match folded {
        Err(why) => violations.push(format!("the events cannot be folded: {why}")),
        Ok(folded) => {
            for ((table, stream), expected) in folded {
                match views.get(&(*table, stream.clone())) {
                    None => violations.push(format!("{table} has no row of {stream}")),
                    Some(found) if found != expected => violations.push(format!(
                        "{table} has another view of {stream} than its events"
                    )),
                    Some(_) => {}
                }
            }
            for (table, stream) in views.keys() {
                if !folded.contains_key(&(*table, stream.clone())) {
                    violations.push(format!(
                        "{table} has a row of {stream}, which has no events"
                    ));
                }
            }
        }
    }
    Verdict {
        promise: 5,
        name: "Replayable",
        checked: format!("{} views", views.len()),
        violations,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::checker::Ran;

    fn event(position: i64, stream: &str, sequence: i64) -> Event {
        Event {
            position,
            sequence,
            stream: stream.to_owned(),
            kind: "CustomerUpdated".to_owned(),
            payload: format!("{{\"p\":{position}}}"),
            request: format!("{position:032x}"),
            time: position,
        }
    }

    fn message(position: i64, stream: &str, sequence: i64) -> Message {
        Message {
            partition: 0,
            key: stream.to_owned(),
            value: format!("{{\"p\":{position}}}"),
            position,
            sequence,
        }
    }

    fn evidence(topic: Vec<Message>) -> Evidence {
        Evidence {
            attempts: vec![],
            events_before: 0,
            ran: Ran {
                caught_up: Some(Duration::ZERO),
                ..Ran::default()
            },
            events: vec![event(1, "a", 1), event(2, "b", 1), event(3, "a", 2)],
            topic,
            views: Views::new(),
            folded: Ok(Views::new()),
        }
    }

    fn whole() -> Vec<Message> {
        vec![message(1, "a", 1), message(2, "b", 1), message(3, "a", 2)]
    }

    #[test]
    fn a_gap_a_double_and_a_sequence_out_of_place_are_found() {
        assert!(gapless(&[event(1, "a", 1), event(2, "b", 1), event(3, "a", 2)]).holds());
        for events in [
            vec![event(1, "a", 1), event(3, "a", 2)],
            vec![event(1, "a", 1), event(1, "b", 1)],
            vec![event(2, "a", 1)],
            vec![event(1, "a", 1), event(2, "a", 3)],
        ] {
            assert!(!gapless(&events).holds(), "{events:?}");
        }
        let mut late = event(2, "a", 2);
        late.time = 0;
        assert!(!gapless(&[event(1, "a", 1), late]).holds());
    }

    #[test]
    fn a_stream_out_of_order_or_in_two_partitions_is_found() {
        assert!(ordered(&whole()).holds());
        assert!(!ordered(&[message(3, "a", 2), message(1, "a", 1)]).holds());
        let mut elsewhere = message(3, "a", 2);
        elsewhere.partition = 1;
        assert!(!ordered(&[message(1, "a", 1), elsewhere]).holds());
    }

    #[test]
    fn a_record_that_is_lost_doubled_or_changed_is_found() {
        assert!(exactly_once(&evidence(whole())).holds());
        let mut lost = whole();
        lost.pop();
        assert!(!exactly_once(&evidence(lost)).holds());
        let mut doubled = whole();
        doubled.push(message(3, "a", 2));
        assert!(!exactly_once(&evidence(doubled)).holds());
        let mut changed = whole();
        changed[0].value = "{}".to_owned();
        assert!(!exactly_once(&evidence(changed)).holds());
        let mut invented = whole();
        invented.push(message(4, "a", 3));
        assert!(!exactly_once(&evidence(invented)).holds());
    }

    #[test]
    fn what_was_cut_off_on_purpose_may_be_missing_and_no_more() {
        let mut cut = evidence(vec![message(3, "a", 2)]);
        cut.ran.history.truncated = 2;
        assert!(exactly_once(&cut).holds());
        cut.topic.clear();
        assert!(!exactly_once(&cut).holds());
    }

    #[test]
    fn whoever_never_catches_up_breaks_the_promise() {
        let mut late = evidence(whole());
        late.ran.caught_up = None;
        assert!(!exactly_once(&late).holds());
    }

    #[test]
    fn a_view_that_is_missing_different_or_too_many_is_found() {
        let key = ("medusa_customers", "a".to_owned());
        let one = Views::from([(key.clone(), "1".to_owned())]);
        let other = Views::from([(key, "2".to_owned())]);
        assert!(replayable(&one, &Ok(one.clone())).holds());
        assert!(!replayable(&other, &Ok(one.clone())).holds());
        assert!(!replayable(&Views::new(), &Ok(one.clone())).holds());
        assert!(!replayable(&one, &Ok(Views::new())).holds());
        assert!(!replayable(&one, &Err("malformed".to_owned())).holds());
    }
}
