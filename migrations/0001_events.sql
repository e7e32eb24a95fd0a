-- The ledger itself: what happened, who holds what, and the keys that open personal data.
--
-- Only the owner writes events, through the function `append` (0003). The service connects as
-- `ledger_app`, which may read everything here and execute that function.

do $$
begin
    -- Who owns the database may not be who may make roles.
    if not exists (select from pg_roles where rolname = 'ledger_app') then
        create role ledger_app nologin;
    end if;
exception
    -- Another database of this cluster made it, perhaps at this very moment.
    when duplicate_object or unique_violation then null;
end
$$;

grant usage on schema public to ledger_app;

-- One row: which ledger this is. `epoch` counts accepted losses; `incarnation` counts how often the
-- topic had to be filled anew; `key_check` is a known text sealed under the master key, so that a
-- wrong key is noticed at start and not at the first read.
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

-- The columns of postgres-es' table, and the record's place in the one total order. Payload and
-- metadata are `json`, not `jsonb`: they keep the exact text that is hashed.
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

grant select on events to ledger_app;

-- A claim is a value with one holder. Keys are HMACs, but for ids, which are not personal:
-- `email_account` and `email_guest` (exact e-mail), `group_name`, `medusa_id`, `shopline_id`.
create table claims (
    store text not null,
    kind text not null,
    key bytea not null,
    holder text not null,
    primary key (store, kind, key)
);

create index claims_by_holder on claims (holder, kind);

-- A mark is a value with any number of holders: `email` (case-folded), `phone` (digits).
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

-- Password hashes: argon2id. They are no event's business.
create table credentials (
    stream text primary key,
    hash text not null
);

-- What a request with an Idempotency-Key led to. No body: the answer is rendered again as of
-- `position`. Kept for seven days.
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
