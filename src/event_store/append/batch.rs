//! Which commands go into one call.
//!
//! Within what is in flight there is at most one command for each stream, claim, mark and
//! idempotency key: no verdict in a batch depends on another command of it.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};

use tokio::sync::oneshot;

use crate::event_store::StoreError;
use crate::event_store::append::{Append, Verdict};

/// Most commands in one call: the batch stays below a few milliseconds.
pub(super) const BATCH_MAX: usize = 256;

pub(super) type Caller = oneshot::Sender<Result<Verdict, StoreError>>;

pub(super) struct Waiting {
    pub(super) append: Append,
    pub(super) caller: Caller,
}

/// Commands of one call, each beside the caller who waits for its verdict.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) appends: Vec<Append>,
    pub(super) callers: Vec<Caller>,
}

impl Batch {
    pub(super) fn push(&mut self, waiting: Waiting) {
        self.appends.push(waiting.append);
        self.callers.push(waiting.caller);
    }

    /// Without the commands that nobody waits for any more.
    pub(super) fn wanted(self) -> Self {
        if !self.callers.iter().any(Caller::is_closed) {
            return self;
        }
        let mut wanted = Self::default();
        for (append, caller) in self.appends.into_iter().zip(self.callers) {
            if !caller.is_closed() {
                wanted.push(Waiting { append, caller });
            }
        }
        wanted
    }

    pub(super) fn split_off(&mut self, at: usize) -> Self {
        Self {
            appends: self.appends.split_off(at),
            callers: self.callers.split_off(at),
        }
    }
}

/// Takes commands, oldest first, that meet neither each other nor what is in flight. Those whose
/// callers left are dropped.
pub(super) fn take_batch(
    pending: &mut VecDeque<Waiting>,
    busy: &mut HashSet<Key>,
    hasher: &RandomState,
) -> (Batch, Vec<Key>) {
    let (mut batch, mut taken) = (Batch::default(), vec![]);
    // One call judges all its commands before it writes any: a command that needs a group must not
    // be in one call with a command on that group, which may delete it.
    let (mut written, mut needed) = (HashSet::new(), HashSet::new());
    // One that is left behind keeps its place: later ones on the same keys wait behind it.
    let mut blocked: HashSet<Key> = HashSet::new();
    let mut left = vec![];
    while batch.appends.len() < BATCH_MAX
        && let Some(waiting) = pending.pop_front()
    {
        if waiting.caller.is_closed() {
            continue;
        }
        let keys = || exclusive_keys(&waiting.append, hasher);
        let free = |key| !busy.contains(&key) && !blocked.contains(&key);
        let streams = || stream_keys(&waiting.append, hasher);
        let groups = || group_keys(&waiting.append, hasher);
        let apart = streams().all(|key| !needed.contains(&key))
            && groups().all(|key| !written.contains(&key));
        if apart && keys().all(free) {
            written.extend(streams());
            needed.extend(groups());
            busy.extend(keys());
            taken.extend(keys());
            batch.push(waiting);
        } else {
            blocked.extend(keys());
            left.push(waiting);
        }
    }
    for waiting in left.into_iter().rev() {
        pending.push_front(waiting);
    }
    (batch, taken)
}

/// What no two commands in flight may share, as its hash: should two hashes ever be the same by
/// chance, a command waits once for nothing.
pub(super) type Key = u64;

fn exclusive_keys(append: &Append, hasher: &RandomState) -> impl Iterator<Item = Key> {
    let key = |kind: &str, value: &[u8]| hasher.hash_one((kind, value));
    let streams = stream_keys(append, hasher);
    let claims = append.claims.iter().map(move |c| key(c.kind, &c.key));
    let marks = append.marks.iter().map(move |m| key(m.kind, &m.key));
    let requests = append.request.iter().map(move |r| key("request", &r.key));
    streams.chain(claims).chain(marks).chain(requests)
}

fn stream_keys(append: &Append, hasher: &RandomState) -> impl Iterator<Item = Key> {
    let streams = append.streams.iter();
    streams.map(move |s| hasher.hash_one(("stream", s.stream.as_bytes())))
}

/// The streams of the groups that a command needs. Any number of commands may need one.
fn group_keys(append: &Append, hasher: &RandomState) -> impl Iterator<Item = Key> {
    let groups = append.groups.iter();
    groups.map(move |group| hasher.hash_one(("stream", group.as_bytes())))
}

#[cfg(test)]
mod tests {
    use events::ids::Sequence;
    use events::record::StreamKind;

    use super::*;
    use crate::event_store::point::ExpectedStream;

    type Verdicts = oneshot::Receiver<Result<Verdict, StoreError>>;

    /// A command, and its caller's side.
    fn waiting(stream: &str, groups: &[&str]) -> (Waiting, Verdicts) {
        let (caller, verdict) = oneshot::channel();
        let expected = ExpectedStream {
            kind: StreamKind::Customer,
            stream: stream.into(),
            sequence: Sequence::FIRST,
        };
        let append = Append {
            streams: vec![expected],
            groups: groups.iter().copied().map(Into::into).collect(),
            ..Append::default()
        };
        (Waiting { append, caller }, verdict)
    }

    fn streams(appends: &[Append]) -> Vec<&str> {
        let appends = appends.iter();
        appends
            .map(|append| append.streams[0].stream.as_str())
            .collect()
    }

    /// The streams of the first call, of commands that came at the same time.
    fn first_call(commands: Vec<(Waiting, Verdicts)>) -> Vec<String> {
        let (mut pending, _callers): (VecDeque<_>, Vec<_>) = commands.into_iter().unzip();
        let (batch, _) = take_batch(&mut pending, &mut HashSet::new(), &RandomState::new());
        let streams = streams(&batch.appends).into_iter();
        streams.map(ToOwned::to_owned).collect()
    }

    #[test]
    fn what_happens_to_a_group_and_what_needs_it_are_not_in_one_call() {
        for (commands, expected) in [
            (
                vec![waiting("group", &[]), waiting("a", &["group"])],
                &["group"] as &[_],
            ),
            (
                vec![waiting("a", &["group"]), waiting("group", &[])],
                &["a"],
            ),
            (
                vec![waiting("a", &["group"]), waiting("b", &["group"])],
                &["a", "b"],
            ),
            (
                vec![waiting("group", &[]), waiting("a", &["other"])],
                &["group", "a"],
            ),
        ] {
            assert_eq!(first_call(commands), expected);
        }
    }

    #[test]
    fn what_is_left_behind_keeps_its_place() {
        let names: Vec<String> = (0..BATCH_MAX + 2)
            .map(|number| number.to_string())
            .collect();
        let first = ["busy", "busy"].into_iter();
        let commands = first.chain(names.iter().map(String::as_str));
        let (mut pending, _callers): (VecDeque<_>, Vec<_>) =
            commands.map(|stream| waiting(stream, &[])).unzip();
        let (batch, _) = take_batch(&mut pending, &mut HashSet::new(), &RandomState::new());
        assert_eq!(batch.appends.len(), BATCH_MAX);
        let left: Vec<Append> = pending.into_iter().map(|waiting| waiting.append).collect();
        let last = &names[BATCH_MAX - 1..];
        assert_eq!(streams(&left), [&["busy".to_owned()], last].concat());
    }

    #[test]
    fn what_nobody_waits_for_is_not_written() {
        let (a, _verdict) = waiting("a", &[]);
        let (b, _) = waiting("b", &[]);
        let mut pending = VecDeque::from([b, a]);
        let (batch, _) = take_batch(&mut pending, &mut HashSet::new(), &RandomState::new());
        assert_eq!(streams(&batch.appends), ["a"]);
        let (mut batch, (c, verdict)) = (batch, waiting("c", &[]));
        batch.push(c);
        drop(verdict);
        assert_eq!(streams(&batch.wanted().appends), ["a"]);
    }
}
