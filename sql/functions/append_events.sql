-- Writes the events that have a position. The events of one command have one time.
create or replace function append_events(
    store text,
    events new_event[],
    positions bigint[],
    now timestamptz
) returns void
language plpgsql
volatile
as $$
#variable_conflict use_column
begin
    insert into events (
        aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
        position, store, time)
    select e.kind, e.stream, e.sequence, e.type, e.version, e.payload::json, e.metadata::json,
        append_events.positions[e.number], append_events.store,
        append_events.now + (e.command - 1) * interval '1 microsecond'
    from unnest(append_events.events) with ordinality
        as e(command, kind, stream, sequence, type, version, payload, metadata, number)
    where append_events.positions[e.number] is not null;
end
$$;

revoke all on function append_events from public;
