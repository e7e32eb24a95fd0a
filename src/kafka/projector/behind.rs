//! Which partitions are behind, and how they come forward.

use std::collections::BTreeMap;

use events::ids::Position;

use super::consumer::Partition;
use super::offsets::{PartitionOffset, PartitionOffsets, Step};
use crate::kafka::message::Received;

/// Why a partition is caught up from the store.
pub(super) struct CatchUp {
    /// The partition's place when it was seen to be behind.
    pub(super) place: PartitionOffset,
    /// The incarnation that its offsets belong to from now on.
    pub(super) incarnation: Option<i64>,
}

/// The next step of each partition: all that it has up to a position is applied.
pub(super) fn advance(
    behind: &BTreeMap<i32, CatchUp>,
    places: &mut PartitionOffsets,
    position: Position,
    store_reads: i64,
) -> Vec<Step> {
    behind
        .iter()
        .filter_map(|(partition, catch_up)| {
            let place = places.get_mut(partition)?;
            let to = PartitionOffset {
                applied: position.max(place.applied),
                incarnation: catch_up.incarnation,
                ..*place
            };
            let from = std::mem::replace(place, to);
            Some(Step {
                partition: *partition,
                from,
                to,
                store_reads,
            })
        })
        .collect()
}

/// The partitions whose records do not follow what is applied, or come from another filling of the
/// topic than their offsets.
pub(super) fn missing(
    received: &[Received],
    held: &BTreeMap<i32, Partition>,
) -> BTreeMap<i32, CatchUp> {
    let mut behind: BTreeMap<i32, CatchUp> = BTreeMap::new();
    let mut applied: BTreeMap<i32, Position> = BTreeMap::new();
    for received in received {
        let Some(Partition { place, .. }) = held.get(&received.partition) else {
            continue;
        };
        let reached = applied.entry(received.partition).or_insert(place.applied);
        let turned = place.incarnation.is_some_and(|i| i != received.incarnation);
        if turned || received.previous > *reached {
            behind.insert(
                received.partition,
                CatchUp {
                    place: *place,
                    incarnation: Some(received.incarnation),
                },
            );
        }
        *reached = received.record.position.max(*reached);
    }
    behind
}
