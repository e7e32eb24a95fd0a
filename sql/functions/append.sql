-- The one way to write events: a batch of commands in one call and one commit.
--
-- The lock comes first. Every statement after it has a fresh snapshot, because all functions that read
-- tables are volatile: what is checked is what holds. Each command is appended whole or refused whole,
-- with every reason, and never because of another command of the batch. Commands are numbered from 1;
-- the types of the arrays say what a command consists of. Events come in the order of the commands.
--
-- A command that is not refused has one row with the verdict `appended`: the position of its last event,
-- or of the ledger's last when it had none, and their time. A refused one has a row for every reason.
--
-- A session plans the statements of these functions once, perhaps while the tables are small, and keeps
-- the plans while they grow: a join could be planned as a hash of a whole table. So each row is looked
-- up by its key, in a subquery, and tables are not read whole. The functions that this one calls run
-- with its rights and settings; nobody else may call them.
create or replace function append(
    store text,
    command_count integer,
    streams expected_stream[],
    events new_event[],
    holds hold_change[],
    secrets secret_change[],
    requests new_request[]
) returns table (command integer, verdict text, "position" bigint, "time" timestamptz, detail text)
language plpgsql
volatile
security definer
set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
    _refused boolean[] := array_fill(false, array[append.command_count]);
    _refusals refusal[];
    _refusal refusal;
    _head bigint;
    _now timestamptz;
    _positions bigint[];
    _last_positions bigint[];
begin
    -- Any number will do that is the same in every process of every ledger of this database.
    perform pg_advisory_xact_lock(1818453874);

    _refusals := append_unmet(append.streams);
    if cardinality(append.holds) > 0 then
        _refusals := _refusals || append_claimed(append.store, append.holds)
            || append_marked(append.store, append.holds);
    end if;
    if cardinality(append.requests) > 0 then
        _refusals := _refusals || append_repeated(append.store, append.requests);
    end if;
    foreach _refusal in array _refusals loop
        _refused[_refusal.command] := true;
    end loop;
    if append_is_unsealed(append.events) then
        raise exception 'a personal value was not sealed' using errcode = 'check_violation';
    end if;

    -- Time never goes back and never repeats: as of a time and as of a position are one question.
    select e.position, greatest(clock_timestamp(), e.time + interval '1 microsecond')
    into _head, _now
    from events e order by e.position desc limit 1;
    _head := coalesce(_head, 0);
    _now := coalesce(_now, clock_timestamp());
    _positions := append_positions(append.events, _refused, _head);
    _last_positions := append_last_positions(append.events, _positions, append.command_count, _head);

    perform append_events(append.store, append.events, _positions, _now);
    if cardinality(append.holds) > 0 then
        perform append_claims(append.store, append.holds, _refused);
        perform append_marks(append.store, append.holds, _refused);
    end if;
    if cardinality(append.secrets) > 0 then
        perform append_stream_keys(append.secrets, _refused);
        perform append_credentials(append.secrets, _refused);
    end if;
    if cardinality(append.requests) > 0 then
        perform append_requests(append.store, append.requests, _refused, _last_positions, _now);
    end if;

    if cardinality(_refusals) > 0 then
        return query
            select r.command, r.verdict, null::bigint, null::timestamptz, r.detail
            from unnest(_refusals) as r;
    end if;
    return query
        select c, 'appended', _last_positions[c], _now + (c - 1) * interval '1 microsecond', null
        from generate_series(1, append.command_count) as c
        where not _refused[c];
end
$$;

revoke all on function append from public;
grant execute on function append to ledger_app;
