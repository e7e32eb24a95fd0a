-- Whether an event has a personal value in the clear.
create or replace function append_is_unsealed(events new_event[]) returns boolean
language plpgsql
immutable
as $$
begin
    return exists (
        select from unnest(append_is_unsealed.events) as e
        where e.kind = 'Customer' and e.payload like '%"$open"%'
            or e.metadata like '%\\"$open\\"%');
end
$$;

revoke all on function append_is_unsealed from public;
