//! Where a new producer goes on, from what was noted and from how each partition ends.

use super::sent_positions::SentPositions;
use crate::mutations::{Guard, without};

/// Where a new producer goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Everything up to here is in the topic.
    pub(super) cursor: i64,
    /// Whether a partition ends before its mark.
    pub(super) lost_records: bool,
    /// The marks to go on from: none beyond the cursor, so that a relay that dies before lost records
    /// are back finds the same cursor again.
    pub(super) marks: SentPositions,
}

impl Plan {
    pub(super) fn new(marks: &SentPositions, tails: &[i64]) -> Self {
        let sent = marks.values().copied().max().unwrap_or(0);
        let mark = |partition| marks.get(&partition).copied().unwrap_or(0);
        let lost: Vec<i64> = (0..)
            .zip(tails)
            .filter(|(partition, tail)| **tail < mark(*partition))
            .filter(|_| !without(Guard::LostRecords))
            .map(|(_, tail)| *tail)
            .collect();
        // A mark of a partition that the topic does not have any more is lost as well.
        let gone = marks
            .keys()
            .any(|p| usize::try_from(*p).is_ok_and(|p| p >= tails.len()));
        let cursor = lost.iter().copied().chain([sent]).min().unwrap_or(0);
        let cursor = if gone { 0 } else { cursor };
        let kept = |(partition, tail): (i32, &i64)| (partition, (*tail).min(cursor));
        Self {
            cursor,
            lost_records: gone || !lost.is_empty(),
            marks: (0..)
                .zip(tails)
                .map(kept)
                .filter(|(_, position)| *position > 0)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(marks: &[(i32, i64)], tails: &[i64]) -> (i64, bool, Vec<(i32, i64)>) {
        let plan = Plan::new(&marks.iter().copied().collect(), tails);
        (
            plan.cursor,
            plan.lost_records,
            plan.marks.into_iter().collect(),
        )
    }

    #[test]
    fn a_new_topic_is_filled_from_the_start() {
        assert_eq!(plan(&[], &[0, 0]), (0, false, vec![]));
    }

    #[test]
    fn a_batch_that_was_not_noted_is_skipped_not_sent_again() {
        // 11 and 12 are in the topic, the marks were not written any more.
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
