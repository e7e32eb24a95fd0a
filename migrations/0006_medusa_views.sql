-- The views of Medusa's contract: what it shows of a customer or group, a row each. They can be rebuilt
-- from the events at any time.
--
-- `view` is the whole view. It is `json` and not `jsonb`, so that a rebuilt row equals the live one byte
-- for byte. The other columns repeat what lists filter and sort by. A row is written only at the
-- `sequence` at which the projector loaded it. The row of a deleted customer keeps ids, sequence and
-- position; it holds no personal data.

create table medusa_customers (
    store text not null,
    stream text not null,
    id text not null,
    sequence bigint not null check (sequence >= 1),
    position bigint not null check (position >= 1),
    deleted boolean not null,
    email text,
    first_name text,
    last_name text,
    phone text,
    has_account boolean not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    group_ids text[] not null,
    view json not null,
    primary key (store, stream),
    constraint medusa_customers_id_is_unique unique (store, id),
    constraint medusa_customers_deleted_is_blank check (
        not deleted or (coalesce(email, first_name, last_name, phone) is null and group_ids = '{}')
    )
);

-- Members of a group.
create index medusa_customers_by_group on medusa_customers using gin (group_ids);

-- A page without an order goes by id, by code point. `created_at` never changes, so that an index on it
-- costs an update nothing. `updated_at` changes with every update, and therefore has no index.
create index medusa_customers_by_id on medusa_customers (store, id collate "C") where not deleted;
create index medusa_customers_by_creation on medusa_customers (store, created_at) where not deleted;

-- Parts of e-mails and names. Nothing is left of a deleted customer's.
create index medusa_customers_by_text on medusa_customers
    using gin (email gin_trgm_ops, first_name gin_trgm_ops, last_name gin_trgm_ops);

create table medusa_groups (
    store text not null,
    stream text not null,
    id text not null,
    sequence bigint not null check (sequence >= 1),
    position bigint not null check (position >= 1),
    deleted boolean not null,
    name text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    view json not null,
    primary key (store, stream),
    constraint medusa_groups_id_is_unique unique (store, id)
);

grant select, insert, update, delete on medusa_customers, medusa_groups to ledger_app;

-- How many customers there are: to count 10^5 rows takes longer than to show a page of them. Triggers
-- keep it, in the transaction that changes the rows. The count is the sum over `part`, so that two
-- projectors that write at the same time do not wait for each other.
create table medusa_customer_counts (
    store text not null,
    has_account boolean not null,
    part smallint not null,
    live bigint not null,
    primary key (store, has_account, part)
);

grant select, insert, update on medusa_customer_counts to ledger_app;
