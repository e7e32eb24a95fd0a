-- The position of each command's last event; `head` for a command without events.
create or replace function append_last_positions(
    events new_event[],
    positions bigint[],
    command_count integer,
    head bigint
) returns bigint[]
language plpgsql
immutable
as $$
declare
    _last bigint[] := array_fill(append_last_positions.head, array[append_last_positions.command_count]);
begin
    for i in 1..cardinality(append_last_positions.events) loop
        _last[append_last_positions.events[i].command] := append_last_positions.positions[i];
    end loop;
    return _last;
end
$$;

revoke all on function append_last_positions from public;
