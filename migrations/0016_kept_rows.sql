-- Tables that a rebuild replaced are kept, with the clear text that the views had then. When a customer
-- is deleted or erased, the row there goes the way of the live one.
--
-- It becomes what the live row is: whoever goes back finds it ahead, and skips what it has seen.

create function deleted_rows_are_not_kept() returns trigger
language plpgsql
-- The service may not use the schema of the kept tables.
security definer
set search_path = pg_catalog
as $$
declare
    kept text = tg_argv[0];
    replaced bigint;
begin
    -- Tables that are not live have this trigger, too.
    if tg_table_schema <> 'public' or to_regclass(format('%I.%I', kept, tg_table_name)) is null then
        return null;
    end if;
    -- What counts rows there finds its table.
    perform set_config('search_path', format('%I, public', kept), true);
    execute format(
        'delete from %I.%I where store = $1 and stream = $2 and sequence < $3', kept, tg_table_name
    ) using new.store, new.stream, new.sequence;
    get diagnostics replaced = row_count;
    if replaced > 0 then
        begin
            execute format('insert into %I.%I select ($1).*', kept, tg_table_name) using new;
        exception when others then
            -- A migration has changed the live table since: nobody can go back to the kept one.
            null;
        end;
    end if;
    return null;
exception when undefined_table or invalid_schema_name then
    -- They were just dropped.
    return null;
end
$$;

create trigger deleted_rows_are_not_kept after insert or update on medusa_customers
    for each row when (new.deleted)
    execute function deleted_rows_are_not_kept('medusa_kept');

create trigger deleted_rows_are_not_kept after insert or update on shopline_customers
    for each row when (new.deleted)
    execute function deleted_rows_are_not_kept('shopline_kept');

-- What is there now lacks the trigger: nobody could go back to it, and it may hold anybody. Nothing
-- being there is no news.
set local client_min_messages = warning;
drop schema if exists medusa_kept, medusa_next, medusa_gone,
    shopline_kept, shopline_next, shopline_gone cascade;
