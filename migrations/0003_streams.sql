-- What belongs to streams beside their events and must change with them in one transaction: the values
-- that they hold, their secrets, and the requests that changed them. Only `append` writes here.

-- A claim is a value with one holder. Keys are HMACs; those of ids are the ids, which are not personal.
-- Kinds: `email_account` and `email_guest` (exact e-mail), `group_name`, `medusa_id`, `shopline_id`.
create table claims (
    store text not null,
    kind text not null,
    key bytea not null,
    holder text not null,
    primary key (store, kind, key)
);

create index claims_by_holder on claims (holder, kind);

-- A mark is a value with any number of holders. Kinds: `email` (case-folded), `phone` (digits).
create table marks (
    store text not null,
    kind text not null,
    key bytea not null,
    holder text not null,
    primary key (store, kind, key, holder)
);

-- The key of a stream's personal data, wrapped by the master key. Erasure deletes the row.
create table stream_keys (
    stream text primary key,
    number integer not null,
    wrapped bytea not null
);

-- Password hashes, argon2id. No event holds them.
create table credentials (
    stream text primary key,
    hash text not null
);

-- What a request with an Idempotency-Key led to. The body of the answer is not kept: it is rendered
-- again as of `position`. Rows are kept for seven days.
create table idempotency_keys (
    store text not null,
    actor text not null,
    route text not null,
    key bytea not null,
    request bytea not null,
    stream text not null,
    sequence bigint not null,
    position bigint not null,
    status integer not null,
    time timestamptz not null,
    primary key (store, actor, route, key)
);

create index idempotency_keys_by_time on idempotency_keys (time);

grant select on claims, marks, stream_keys, credentials, idempotency_keys to ledger_app;
grant delete on idempotency_keys to ledger_app;

-- Numbers of customers, for their ids in SHOPLINE: ten digits, ascending.
create sequence shopline_customer_ids minvalue 1 maxvalue 5799999999;
grant usage on sequence shopline_customer_ids to ledger_app;
