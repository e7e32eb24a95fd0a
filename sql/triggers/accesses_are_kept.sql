-- An access that was logged is never changed or deleted.
create or replace function accesses_are_kept() returns trigger
language plpgsql
as $$
begin
    raise exception 'an access that was logged is never changed or deleted';
end
$$;

create or replace trigger accesses_are_kept before update or delete or truncate on access_log
    for each statement execute function accesses_are_kept();
