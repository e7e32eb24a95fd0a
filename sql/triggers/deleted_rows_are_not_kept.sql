-- The tables that a rebuild replaced are kept, with the clear text that the views had then. When the live
-- row of a customer is deleted or erased, the kept row is replaced by it, in the same transaction.
--
-- The kept row then is what the live row is: a projector that goes back to the kept tables finds the row
-- ahead, and skips what the row has seen.
create or replace function deleted_rows_are_not_kept() returns trigger
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
    -- The triggers of the kept table that count rows find their table.
    perform set_config('search_path', format('%I, public', kept), true);
    execute format(
        'delete from %I.%I where store = $1 and stream = $2 and sequence < $3', kept, tg_table_name
    ) using new.store, new.stream, new.sequence;
    get diagnostics replaced = row_count;
    if replaced > 0 then
        begin
            execute format('insert into %I.%I select ($1).*', kept, tg_table_name) using new;
        exception when others then
            -- A migration has changed the live table since: the kept one cannot become live again.
            null;
        end;
    end if;
    return null;
exception when undefined_table or invalid_schema_name then
    -- They were just dropped.
    return null;
end
$$;

create or replace trigger deleted_rows_are_not_kept after insert or update on medusa_customers
    for each row when (new.deleted)
    execute function deleted_rows_are_not_kept('medusa_kept');

create or replace trigger deleted_rows_are_not_kept after insert or update on shopline_customers
    for each row when (new.deleted)
    execute function deleted_rows_are_not_kept('shopline_kept');
