-- What the lists of Medusa's admin need to find a page of many customers at once.
--
-- `pg_trgm` finds parts of texts in any case. It is a trusted extension: an owner of the database may
-- create it, where the server has it. In Debian's package `postgresql` it is; elsewhere it is often
-- called `postgresql-contrib`.

do $$
begin
    create extension if not exists pg_trgm;
exception
    when undefined_file or feature_not_supported then
        raise exception 'the server has no extension pg_trgm: install postgresql-contrib'
            using errcode = 'feature_not_supported';
    when insufficient_privilege then
        raise exception 'this role may not create the extension pg_trgm: as a superuser, '
            'run "create extension pg_trgm" in this database' using errcode = 'insufficient_privilege';
end
$$;

-- A page without an order goes by id, by code point. `created_at` never changes, so that an index on
-- it costs an update nothing; `updated_at` always does, and has none for that reason.
create index medusa_customers_by_id on medusa_customers (store, id collate "C") where not deleted;
create index medusa_customers_by_creation on medusa_customers (store, created_at) where not deleted;

-- Parts of e-mails and names. Nothing is left of a deleted customer's.
create index medusa_customers_by_text on medusa_customers
    using gin (email gin_trgm_ops, first_name gin_trgm_ops, last_name gin_trgm_ops);

-- A search compares a pattern at each place of a text, and PostgreSQL cannot be interrupted meanwhile.
-- Where the two are so long that it would take seconds, this stands for the answer: it ends the
-- statement as a timeout does.
create function medusa_search_is_too_long() returns boolean
language plpgsql as $$
begin
    raise exception 'the search takes too long' using errcode = 'query_canceled';
end
$$;

-- How many customers there are: to count 10^5 rows takes longer than to show a page of them. The
-- number changes in the transaction that changes the rows. It is the sum over `part`: two projectors
-- that write at the same time do not wait for each other.
create table medusa_customer_counts (
    store text not null,
    has_account boolean not null,
    part smallint not null,
    live bigint not null,
    primary key (store, has_account, part)
);

create function medusa_customers_count_inserted() returns trigger
language plpgsql as $$
begin
    insert into medusa_customer_counts as held (store, has_account, part, live)
    select store, has_account, pg_backend_pid() % 16, count(*)
    from inserted
    where not deleted
    group by store, has_account
    order by store, has_account
    on conflict (store, has_account, part) do update set live = held.live + excluded.live;
    return null;
end
$$;

create function medusa_customers_count_updated() returns trigger
language plpgsql as $$
begin
    insert into medusa_customer_counts as held (store, has_account, part, live)
    select store, has_account, pg_backend_pid() % 16, sum(change)
    from (values
        (old.store, old.has_account, -(not old.deleted)::integer),
        (new.store, new.has_account, (not new.deleted)::integer)
    ) as changed (store, has_account, change)
    group by store, has_account
    order by store, has_account
    on conflict (store, has_account, part) do update set live = held.live + excluded.live;
    return null;
end
$$;

create function medusa_customers_count_removed() returns trigger
language plpgsql as $$
begin
    insert into medusa_customer_counts as held (store, has_account, part, live)
    select store, has_account, pg_backend_pid() % 16, -count(*)
    from removed
    where not deleted
    group by store, has_account
    order by store, has_account
    on conflict (store, has_account, part) do update set live = held.live + excluded.live;
    return null;
end
$$;

insert into medusa_customer_counts (store, has_account, part, live)
select store, has_account, 0, count(*)
from medusa_customers
where not deleted
group by store, has_account;

create trigger medusa_customers_count_inserted after insert on medusa_customers
    referencing new table as inserted
    for each statement execute function medusa_customers_count_inserted();

-- Nearly no update gets so far.
create trigger medusa_customers_count_updated after update on medusa_customers
    for each row
    when (old.deleted is distinct from new.deleted
        or old.has_account is distinct from new.has_account)
    execute function medusa_customers_count_updated();

create trigger medusa_customers_count_removed after delete on medusa_customers
    referencing old table as removed
    for each statement execute function medusa_customers_count_removed();

grant select, insert, update on medusa_customer_counts to ledger_app;
