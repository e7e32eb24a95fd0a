-- How far the topic and the projections are.
--
-- Kafka only carries the events. What was sent to it and what was applied of it is written down here, so
-- that a lost or re-created topic is noticed, and so that "everything up to here is in the views" is one
-- query.

-- The last position sent to each partition. The relay writes those of all partitions after each batch, in
-- one statement: what one snapshot shows here says that every position up to the greatest one is in the
-- topic. The write does not wait for the disk, so a crash of Postgres may take those of the last batches
-- back, all together. A relay that starts reads the store from here on; what the topic holds beyond, it
-- learns from the topic itself.
create table sent_positions (
    topic text not null,
    partition integer not null check (partition >= 0),
    position bigint not null check (position >= 1),
    primary key (topic, partition)
) with (fillfactor = 50); -- Rows are few and change with every batch: most changes fit beside the old version.

-- Where a projection goes on in a partition, written in the transaction that writes the rows of its
-- views. `applied`: every record up to this position whose stream belongs to the partition is in the
-- views. An offset is valid only within its incarnation; it has none before the first record.
-- `store_reads` counts how often records came from the store because the topic did not bring them.
create table projection_offsets (
    projection text not null,
    topic text not null,
    partition integer not null check (partition >= 0),
    next_offset bigint not null default 0 check (next_offset >= 0),
    applied bigint not null default 0 check (applied >= 0),
    incarnation bigint,
    store_reads bigint not null default 0,
    primary key (projection, topic, partition)
) with (fillfactor = 50);

grant select, insert, update, delete on sent_positions, projection_offsets to ledger_app;
