-- An accepted loss is never changed or deleted.
create or replace function losses_are_kept() returns trigger
language plpgsql
as $$
begin
    raise exception 'an accepted loss is never changed or deleted';
end
$$;

create or replace trigger losses_are_kept before update or delete or truncate on losses
    for each statement execute function losses_are_kept();
