-- Remembers the requests of the commands that are not refused.
create or replace function append_requests(
    store text,
    requests new_request[],
    refused boolean[],
    last_positions bigint[],
    now timestamptz
) returns void
language plpgsql
volatile
as $$
#variable_conflict use_column
begin
    insert into idempotency_keys (
        store, actor, route, key, request, stream, sequence, position, status, time)
    select append_requests.store, r.actor, r.route, r.key, r.request, r.stream, r.sequence,
        append_requests.last_positions[r.command], r.status, append_requests.now
    from unnest(append_requests.requests) as r
    where not append_requests.refused[r.command];
end
$$;

revoke all on function append_requests from public;
