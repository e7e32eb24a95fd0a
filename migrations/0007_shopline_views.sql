-- The view of SHOPLINE's contract, under the same rules as Medusa's.
--
-- `search` is what a fuzzy search looks into: e-mail, phone, name and default address, in lower case,
-- a line for each. `terms` are what a search names exactly: tags (`t:`) and first name (`f:`).

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
    search text,
    terms text[] not null,
    email_subscribe_flag smallint not null,
    state smallint not null,
    verified_email boolean not null,
    primary key (store, stream),
    constraint shopline_customers_id_is_unique unique (store, id),
    constraint shopline_customers_deleted_is_blank check (
        not deleted or coalesce(email, first_name, last_name, phone) is null
    ),
    constraint shopline_customers_deleted_is_not_found check (
        not deleted or (search is null and terms = '{}')
    )
);

-- Ids are decimal numbers: the longer one is the greater one, then digits decide. Any other text has its
-- place in this order, too.
create index shopline_customers_by_id
    on shopline_customers (store, octet_length(id), id collate "C")
    where not deleted;
create index shopline_customers_by_creation
    on shopline_customers (store, created_at, octet_length(id), id collate "C")
    where not deleted;

-- Apps that keep a copy ask for what has changed since they asked last.
create index shopline_customers_by_update
    on shopline_customers (store, updated_at)
    where not deleted;

create index shopline_customers_by_search
    on shopline_customers using gin (search gin_trgm_ops)
    where not deleted;
create index shopline_customers_by_term
    on shopline_customers using gin (terms)
    where not deleted;

grant select, insert, update, delete on shopline_customers to ledger_app;
