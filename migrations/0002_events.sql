-- The ledger: which one this is, what happened in it, and what was lost of it.

-- One row. `epoch` counts accepted losses. `incarnation` counts how often the topic had to be filled
-- anew. `key_check` is a known text sealed under the master key, so that a wrong key is noticed at the
-- start of a process and not at the first read.
create table ledger (
    one boolean primary key default true check (one),
    ledger_id uuid not null default gen_random_uuid(),
    epoch bigint not null default 1,
    incarnation bigint not null default 1,
    key_check bytea
);

insert into ledger default values;
grant select on ledger to ledger_app;
grant update (incarnation, key_check) on ledger to ledger_app;

-- The columns of postgres-es' table, and the event's place in the one total order: positions are 1..N
-- without a gap. Payload and metadata are `json` and not `jsonb`, because it keeps the exact text that
-- is hashed.
create table events (
    aggregate_type text not null,
    aggregate_id text not null,
    sequence bigint not null check (sequence >= 1),
    event_type text not null,
    event_version text not null,
    payload json not null,
    metadata json not null,
    position bigint not null check (position >= 1),
    store text not null,
    time timestamptz not null,
    primary key (aggregate_type, aggregate_id, sequence),
    constraint events_position_is_unique unique (position)
);

-- From the request id of an answer to what the request did. Not a hash index: many events may share one
-- id, a whole import for example, and each further one would cost more than the one before.
create index events_by_request on events ((metadata ->> 'request_id'));

grant select on events to ledger_app;

-- Positions that the store lost, in a restore or in a failover to a copy that lagged, and that a person
-- accepted as lost. Each loss began an epoch. The row explains why a topic of an earlier epoch, or a
-- receipt, has something at a position where the store has something else or nothing.
create table losses (
    -- The epoch that began with it.
    epoch bigint primary key,
    first bigint not null check (first >= 1),
    last bigint not null,
    -- The topics that have the lost records.
    topics text[] not null,
    accepted_at timestamptz not null default now(),
    -- The role of the database that accepted it.
    accepted_by text not null default session_user,
    check (last >= first)
);

grant select on losses to ledger_app;

-- The state of a long stream at some of its sequences, so that neither an update nor a question to the
-- past costs more the longer the stream is.
--
-- A snapshot is folded from the events and may be deleted at any time. It is sealed under the stream's
-- key, so that erasure reaches it. `version` identifies the code that folded it.
create table snapshots (
    aggregate_type text not null,
    aggregate_id text not null,
    sequence bigint not null,
    version text not null,
    state json not null,
    primary key (aggregate_type, aggregate_id, sequence)
);

grant select, insert, update on snapshots to ledger_app;
