-- Counts a customer anew that was deleted, or that got an account. Hardly any update does either.
create or replace function medusa_customers_count_updated() returns trigger
language plpgsql
as $$
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

create or replace trigger medusa_customers_count_updated after update on medusa_customers
    for each row
    when (old.deleted is distinct from new.deleted
        or old.has_account is distinct from new.has_account)
    execute function medusa_customers_count_updated();
