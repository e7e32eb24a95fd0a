-- Counts new rows of customers into `medusa_customer_counts`.
create or replace function medusa_customers_count_inserted() returns trigger
language plpgsql
as $$
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

create or replace trigger medusa_customers_count_inserted after insert on medusa_customers
    referencing new table as inserted
    for each statement execute function medusa_customers_count_inserted();
