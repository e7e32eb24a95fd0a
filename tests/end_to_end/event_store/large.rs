//! Large records are read few at a time, and none is left out.

use customer_ledger::event_store::reader;
use events::ids::Position;

use crate::support::postgres::database;

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn a_read_by_position_is_bounded_in_bytes_and_skips_nothing() {
    let database = database().await;
    // Small, large, larger than a read may be, large in few bytes on disk, small.
    sqlx::query(
        "insert into events select 'Customer', position::text, 1, 'CustomerUpdated', '1.0.0', \
            case when position between 301 and 305 \
                    then to_json((select string_agg(md5(position::text || i), '') \
                        from generate_series(1, 65536) i)) \
                when position = 306 \
                    then to_json((select string_agg(md5(i::text), '') \
                        from generate_series(1, 327680) i)) \
                when position between 307 and 336 then to_json(repeat('x', 4194304)) \
                else '{}' end, \
            '{}', position, 'main', now() \
         from generate_series(1, 400) position",
    )
    .execute(&mut database.owner().await)
    .await
    .unwrap();
    let (mut from, mut reads) = (0, vec![]);
    loop {
        let records = reader::after(&database.pool, Position::new(from), 1000)
            .await
            .unwrap();
        let Some(last) = records.last() else {
            break;
        };
        let positions = records.iter().map(|record| record.position.get());
        assert!(positions.eq(from + 1..=last.position.get()));
        from = last.position.get();
        let bytes: usize = records.iter().map(|record| record.payload.len()).sum();
        reads.push((from, bytes / MIB));
    }
    assert_eq!(reads[..2], [(304, 8), (306, 12)]);
    assert!(reads[2..].iter().all(|(_, mib)| *mib <= 100), "{reads:?}");
    assert_eq!(from, 400);
    assert_eq!(
        reader::after(&database.pool, Position::START, 100)
            .await
            .unwrap()
            .len(),
        100
    );
}
