-- Where a long stream had come to now and then, so that neither an update nor a question to the past
-- costs more the longer the stream is.
--
-- A snapshot is folded from the events and may be deleted at any time. It is sealed under the stream's
-- key, like what it was folded from: erasure reaches it. `version` says which code folded it.

create table snapshots (
    aggregate_type text not null,
    aggregate_id text not null,
    sequence bigint not null,
    version text not null,
    state json not null,
    primary key (aggregate_type, aggregate_id, sequence)
);

grant select, insert, update on snapshots to ledger_app;
