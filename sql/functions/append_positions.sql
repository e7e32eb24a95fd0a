-- The positions of the events, in their order, from the one after `head`; null for those of refused
-- commands, so that no position is left out.
create or replace function append_positions(events new_event[], refused boolean[], head bigint)
returns bigint[]
language plpgsql
immutable
as $$
declare
    _positions bigint[] := array_fill(null::bigint, array[cardinality(append_positions.events)]);
    _head bigint := append_positions.head;
begin
    for i in 1..cardinality(append_positions.events) loop
        if not append_positions.refused[append_positions.events[i].command] then
            _head := _head + 1;
            _positions[i] := _head;
        end if;
    end loop;
    return _positions;
end
$$;

revoke all on function append_positions from public;
