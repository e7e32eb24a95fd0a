//! Reading: streams, their records, views by id, and positions.

mod load;
mod positions;
mod read_by_id;
mod records;
mod snapshots;
