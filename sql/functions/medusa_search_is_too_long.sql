-- A search compares a pattern at each place of a text, and PostgreSQL cannot be interrupted meanwhile.
-- Where pattern and text are so long that it would take seconds, this is called instead of the
-- comparison: it ends the statement as a timeout does.
create or replace function medusa_search_is_too_long() returns boolean
language plpgsql
as $$
begin
    raise exception 'the search takes too long' using errcode = 'query_canceled';
end
$$;
