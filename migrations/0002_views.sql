-- The views: what each shop's contract shows of a customer, one row a customer and shop, rebuilt from
-- the events at any time.
--
-- `view` is the whole view, `json` and not `jsonb`: a rebuilt row equals the live one byte for byte.
-- The other columns repeat what lists filter and sort by. A row is written only at the `sequence` that
-- the projector loaded it at. The row of a deleted customer keeps ids, sequence and position; it holds
-- no personal data.

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

create table shopline_customers (
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
    created_at timestamptz not null,
    updated_at timestamptz not null,
    view json not null,
    primary key (store, stream),
    constraint shopline_customers_id_is_unique unique (store, id),
    constraint shopline_customers_deleted_is_blank check (
        not deleted or coalesce(email, first_name, last_name, phone) is null
    )
);

grant select, insert, update, delete
    on medusa_customers, medusa_groups, shopline_customers to ledger_app;
