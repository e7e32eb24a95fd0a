//! What polls brought, and how long a partition may wait for more.

use std::time::{Duration, Instant};

use super::consumer::{BATCH_MAX, Partition};

/// How often the projector compares itself with the sent positions and its own rows.
pub(super) const TICK: Duration = Duration::from_millis(500);
/// How long a partition may be behind the relay's sent position, with nothing left to read in it.
const PATIENCE: Duration = Duration::from_secs(2);
/// The same when there should be something to read, but nothing comes, and nothing is in the way.
const PATIENCE_MAX: Duration = Duration::from_secs(10);

/// What polls brought, by which partitions are judged: what came after the last one is not late.
pub(super) struct Polls {
    /// When the last one ended.
    ended: Instant,
    /// Whether it brought nothing.
    pub(super) quiet: bool,
    /// When there was last more to read than fits into a batch: a partition may be waiting its
    /// turn.
    crowded: Instant,
}

impl Polls {
    /// Before the first one.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            ended: now,
            quiet: false,
            crowded: now,
        }
    }

    /// Takes note of a poll.
    pub(super) fn note(&mut self, asked: Instant, received: usize) {
        self.ended = Instant::now();
        // One that took far longer than it waits was stopped with its process: what came meanwhile
        // is still on its way.
        self.quiet = received == 0 && self.ended - asked < TICK;
        if received >= BATCH_MAX {
            self.crowded = self.ended;
        }
    }

    /// Whether a partition that is behind since then waits in vain.
    pub(super) fn were_in_vain(&self, partition: &Partition, since: Instant) -> bool {
        let waited = |since: Instant| self.ended.saturating_duration_since(since);
        // While others have something to read, this one may have it, too.
        let read_all = self.quiet && partition.at_end.is_some_and(|end| waited(end) >= PATIENCE);
        let silent = waited(partition.heard.max(self.crowded)) >= PATIENCE_MAX;
        (read_all && waited(since) >= PATIENCE) || (silent && waited(since) >= PATIENCE_MAX)
    }
}

#[cfg(test)]
mod tests {
    use events::ids::Position;

    use super::*;
    use crate::kafka::projector::offsets::PartitionOffset;

    #[test]
    fn a_partition_waits_in_vain_only_as_long_as_polls_bring_nothing() {
        let begin = Instant::now();
        let after = |waited: Duration| begin + waited;
        let partition = Partition {
            place: PartitionOffset {
                next_offset: 0,
                applied: Position::START,
                incarnation: None,
            },
            at_end: Some(begin),
            heard: begin,
            behind: Some(begin),
        };
        let in_vain = |quiet: bool, ended: Duration, crowded: Duration| {
            let polls = Polls {
                ended: after(ended),
                quiet,
                crowded: after(crowded),
            };
            polls.were_in_vain(&partition, begin)
        };
        assert!(in_vain(true, PATIENCE, PATIENCE));
        assert!(!in_vain(true, Duration::from_millis(50), Duration::ZERO));
        // Others' records were projected slowly, and this one's may be in the next poll.
        assert!(!in_vain(false, PATIENCE, Duration::ZERO));
        assert!(in_vain(false, PATIENCE_MAX, Duration::ZERO));
        assert!(!in_vain(false, PATIENCE_MAX, PATIENCE));
    }

    #[test]
    fn a_poll_that_was_stopped_with_its_process_is_not_quiet() {
        let now = Instant::now();
        let mut polls = Polls {
            ended: now,
            quiet: false,
            crowded: now,
        };
        polls.note(Instant::now(), 0);
        assert!(polls.quiet);
        polls.note(Instant::now().checked_sub(TICK).unwrap(), 0);
        assert!(!polls.quiet);
        polls.note(Instant::now(), BATCH_MAX);
        assert!(!polls.quiet);
        assert_eq!(polls.crowded, polls.ended);
    }
}
