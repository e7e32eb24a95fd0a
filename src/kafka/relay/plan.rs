//! Where a new producer goes on, from what was noted and from how each partition ends.

use events::ids::Position;

use super::sent_positions::SentPositions;
use crate::mutations::{Guard, without};

/// Where a new producer goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Everything up to here is in the topic.
    pub(super) cursor: Position,
    /// Whether a partition ends before its sent position.
    pub(super) lost_records: bool,
    /// The sent positions to go on from: none beyond the cursor, so that a relay that dies before
    /// lost records are back finds the same cursor again.
    pub(super) sent_positions: SentPositions,
}

impl Plan {
    pub(super) fn new(sent_positions: &SentPositions, tails: &[Position]) -> Self {
        let sent = sent_positions.values().copied().max().unwrap_or_default();
        let sent_to = |partition| sent_positions.get(&partition).copied().unwrap_or_default();
        let lost: Vec<Position> = (0..)
            .zip(tails)
            .filter(|(partition, tail)| **tail < sent_to(*partition))
            .filter(|_| !without(Guard::LostRecords))
            .map(|(_, tail)| *tail)
            .collect();
        // A sent position of a partition that the topic does not have any more is lost as well.
        let gone = sent_positions
            .keys()
            .any(|p| usize::try_from(*p).is_ok_and(|p| p >= tails.len()));
        let cursor = lost.iter().copied().chain([sent]).min().unwrap_or_default();
        let cursor = if gone { Position::START } else { cursor };
        let kept = |(partition, tail): (i32, &Position)| (partition, (*tail).min(cursor));
        Self {
            cursor,
            lost_records: gone || !lost.is_empty(),
            sent_positions: (0..)
                .zip(tails)
                .map(kept)
                .filter(|(_, position)| *position > Position::START)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(sent_positions: &[(i32, i64)], tails: &[i64]) -> (i64, bool, Vec<(i32, i64)>) {
        let sent_positions = sent_positions
            .iter()
            .map(|(of, at)| (*of, Position::new(*at)));
        let tails: Vec<_> = tails.iter().copied().map(Position::new).collect();
        let plan = Plan::new(&sent_positions.collect(), &tails);
        let sent_positions = plan
            .sent_positions
            .into_iter()
            .map(|(of, at)| (of, at.get()));
        (
            plan.cursor.get(),
            plan.lost_records,
            sent_positions.collect(),
        )
    }

    #[test]
    fn a_new_topic_is_filled_from_the_start() {
        assert_eq!(plan(&[], &[0, 0]), (0, false, vec![]));
    }

    #[test]
    fn a_batch_that_was_not_noted_is_skipped_not_sent_again() {
        // 11 and 12 are in the topic, the sent positions were not written any more.
        assert_eq!(
            plan(&[(0, 9), (1, 10)], &[11, 12]),
            (10, false, vec![(0, 10), (1, 10)])
        );
    }

    #[test]
    fn a_topic_made_anew_is_filled_again() {
        assert_eq!(plan(&[(0, 9), (1, 10)], &[0, 0]), (0, true, vec![]));
    }

    #[test]
    fn a_partition_that_lost_its_end_is_filled_from_there() {
        assert_eq!(
            plan(&[(0, 9), (1, 10)], &[4, 10]),
            (4, true, vec![(0, 4), (1, 4)])
        );
    }

    #[test]
    fn a_topic_with_fewer_partitions_is_filled_again() {
        assert_eq!(plan(&[(0, 9), (1, 10)], &[9]), (0, true, vec![]));
    }
}
