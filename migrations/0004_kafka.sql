-- How far Kafka and the projections are.
--
-- Kafka is only the carrier. What it has been given and what came of it stands here, so that a lost
-- or re-created topic is noticed, and so that "everything up to here is in the views" is one query.

-- The last position sent to each partition, written after each batch, all partitions of it in one
-- statement: whatever is read here in one snapshot says that every position up to the greatest one
-- is in the topic. It mirrors the topic, it does not steer the relay.
create table relay_marks (
    topic text not null,
    partition integer not null check (partition >= 0),
    position bigint not null check (position >= 1),
    primary key (topic, partition)
);

-- Where a projection goes on in a partition, written with the rows of its views. `applied`: every
-- record up to this position whose stream belongs to the partition is in the views. An offset means
-- something only within its incarnation; none is known before the first record. `store_reads`
-- counts how often records came from the store because the topic did not bring them.
create table projection_offsets (
    projection text not null,
    topic text not null,
    partition integer not null check (partition >= 0),
    next_offset bigint not null default 0 check (next_offset >= 0),
    applied bigint not null default 0 check (applied >= 0),
    incarnation bigint,
    store_reads bigint not null default 0,
    primary key (projection, topic, partition)
);

-- Rows are few and change with every batch: most changes fit beside the old version.
alter table relay_marks set (fillfactor = 50);
alter table projection_offsets set (fillfactor = 50);

grant select, insert, update, delete on relay_marks, projection_offsets to ledger_app;
