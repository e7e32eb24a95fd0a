-- What SHOPLINE's list, search and count need to find a page of many customers at once.
--
-- `search` is what a fuzzy search looks into: e-mail, phone, name and default address, in lower case,
-- a line for each. `terms` are what a search names exactly: tags (`t:`) and first name (`f:`).

-- The rows that are there lack these columns: the projection builds them anew from the events. Offsets
-- go first, as projectors do it.
delete from projection_offsets where projection = 'shopline';
delete from shopline_customers;

alter table shopline_customers
    add column search text,
    add column terms text[] not null,
    add column email_subscribe_flag smallint not null,
    add column state smallint not null,
    add column verified_email boolean not null,
    add constraint shopline_customers_deleted_is_not_found check (
        not deleted or (search is null and terms = '{}')
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
