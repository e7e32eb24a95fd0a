-- Commands whose idempotency key was used before (`repeated`; detail: the first request, as JSON).
create or replace function append_repeated(store text, requests new_request[]) returns refusal[]
language plpgsql
volatile
as $$
begin
    return array(
        select row(known.command, 'repeated', known.first)::refusal
        from (
            select r.command, (
                select jsonb_build_object(
                    'request', encode(k.request, 'hex'), 'stream', k.stream,
                    'sequence', k.sequence, 'position', k.position, 'status', k.status)::text
                from idempotency_keys k
                where k.store = append_repeated.store and k.actor = r.actor and k.route = r.route
                    and k.key = r.key) as first
            from unnest(append_repeated.requests) as r) as known
        where known.first is not null);
end
$$;

revoke all on function append_repeated from public;
