-- `append` again, as 0003 tells it, with other plans: whatever it looks up, it looks up row by row.
--
-- A session plans the statements of the function once, perhaps while the tables are small, and keeps
-- the plans while they grow. A join could be planned as a hash of the whole table, and each call then
-- read every claim there is. A subquery of one row cannot: it goes through a key, always. What is to be
-- deleted is named by its place, which only a small table is read whole for: never, here.
create or replace function append(
    in_store text,
    command_count integer,
    stream_command integer[],
    stream_kind text[],
    stream_id text[],
    stream_sequence bigint[],
    event_command integer[],
    event_kind text[],
    event_stream text[],
    event_sequence bigint[],
    event_type text[],
    event_version text[],
    event_payload text[],
    event_metadata text[],
    claims jsonb default null,
    marks jsonb default null,
    groups jsonb default null,
    keys jsonb default null,
    credentials jsonb default null,
    requests jsonb default null
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
    refused boolean[] := array_fill(false, array[command_count]);
    positions bigint[] := array_fill(null::bigint, array[cardinality(event_command)]);
    last_position bigint[];
    head bigint;
    now timestamptz;
    failure record;
begin
    -- Any fixed number: the same in every process of every ledger of this database.
    perform pg_advisory_xact_lock(1818453874);

    if requests is not null then
        for failure in
            select * from (
                select r.command, (
                    select jsonb_build_object(
                        'request', encode(k.request, 'hex'), 'stream', k.stream,
                        'sequence', k.sequence, 'position', k.position, 'status', k.status)::text
                    from idempotency_keys k
                    where k.store = in_store and k.actor = r.actor and k.route = r.route
                        and k.key = decode(r.key, 'hex')) as detail
                from jsonb_to_recordset(requests)
                    as r(command integer, actor text, route text, key text)) as known
            where detail is not null
        loop
            refused[failure.command] := true;
            return query select failure.command, 'repeated', null::bigint, null::timestamptz,
                failure.detail;
        end loop;
    end if;

    for failure in
        select s.command
        from unnest(stream_command, stream_kind, stream_id, stream_sequence)
            as s(command, kind, id, sequence)
        where s.sequence is distinct from coalesce((
            select e.sequence from events e
            where e.aggregate_type = s.kind and e.aggregate_id = s.id
            order by e.sequence desc limit 1), 0)
    loop
        refused[failure.command] := true;
        return query select failure.command, 'conflict', null::bigint, null::timestamptz, null;
    end loop;

    if claims is not null then
        for failure in
            select c.command, c.kind
            from jsonb_to_recordset(claims)
                as c(command integer, kind text, key text, stream text, take boolean)
            where c.take and c.stream <> (
                select held.holder from claims held
                where held.store = in_store and held.kind = c.kind
                    and held.key = decode(c.key, 'hex'))
        loop
            refused[failure.command] := true;
            return query select failure.command, 'claimed', null::bigint, null::timestamptz,
                failure.kind;
        end loop;
    end if;

    if marks is not null then
        for failure in
            select distinct m.command, m.kind
            from jsonb_to_recordset(marks)
                as m(command integer, kind text, key text, stream text, take boolean, sole boolean)
            where m.take and m.sole and (
                select true from marks held
                where held.store = in_store and held.kind = m.kind
                    and held.key = decode(m.key, 'hex') and held.holder <> m.stream
                limit 1)
        loop
            refused[failure.command] := true;
            return query select failure.command, 'marked', null::bigint, null::timestamptz,
                failure.kind;
        end loop;
    end if;

    if groups is not null then
        -- A live group holds the claim to its name; a deleted one holds nothing.
        for failure in
            select g.command, g.stream
            from jsonb_to_recordset(groups) as g(command integer, stream text)
            where (
                select true from claims c where c.holder = g.stream and c.kind = 'group_name'
                limit 1) is null
        loop
            refused[failure.command] := true;
            return query select failure.command, 'group', null::bigint, null::timestamptz,
                failure.stream;
        end loop;
    end if;

    if exists (
        select from unnest(event_kind, event_payload, event_metadata) as e(kind, payload, metadata)
        where e.kind = 'Customer' and e.payload like '%"$open"%'
            or e.metadata like '%\\"$open\\"%'
    ) then
        raise exception 'a personal value was not sealed' using errcode = 'check_violation';
    end if;

    -- Time never goes back and never repeats: as of a time and as of a position are one question.
    select e.position, greatest(clock_timestamp(), e.time + interval '1 microsecond')
    into head, now
    from events e order by e.position desc limit 1;
    head := coalesce(head, 0);
    now := coalesce(now, clock_timestamp());
    last_position := array_fill(head, array[command_count]);

    for i in 1..cardinality(event_command) loop
        if not refused[event_command[i]] then
            head := head + 1;
            positions[i] := head;
            last_position[event_command[i]] := head;
        end if;
    end loop;

    insert into events (
        aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
        position, store, time)
    select event_kind[i], event_stream[i], event_sequence[i], event_type[i], event_version[i],
        event_payload[i]::json, event_metadata[i]::json, positions[i], in_store,
        now + (event_command[i] - 1) * interval '1 microsecond'
    from generate_series(1, cardinality(event_command)) as i
    where positions[i] is not null;

    if claims is not null then
        delete from claims gone where gone.ctid = any(array(
            select (
                select held.ctid from claims held
                where held.store = in_store and held.kind = c.kind
                    and held.key = decode(c.key, 'hex') and held.holder = c.stream)
            from jsonb_to_recordset(claims)
                as c(command integer, kind text, key text, stream text, take boolean)
            where not c.take and not refused[c.command]));
        insert into claims (store, kind, key, holder)
        select in_store, c.kind, decode(c.key, 'hex'), c.stream
        from jsonb_to_recordset(claims)
            as c(command integer, kind text, key text, stream text, take boolean)
        where c.take and not refused[c.command]
        on conflict do nothing;
    end if;

    if marks is not null then
        delete from marks gone where gone.ctid = any(array(
            select (
                select held.ctid from marks held
                where held.store = in_store and held.kind = m.kind
                    and held.key = decode(m.key, 'hex') and held.holder = m.stream)
            from jsonb_to_recordset(marks)
                as m(command integer, kind text, key text, stream text, take boolean)
            where not m.take and not refused[m.command]));
        insert into marks (store, kind, key, holder)
        select in_store, m.kind, decode(m.key, 'hex'), m.stream
        from jsonb_to_recordset(marks)
            as m(command integer, kind text, key text, stream text, take boolean)
        where m.take and not refused[m.command]
        on conflict do nothing;
    end if;

    if keys is not null then
        delete from stream_keys gone where gone.ctid = any(array(
            select (select held.ctid from stream_keys held where held.stream = k.stream)
            from jsonb_to_recordset(keys) as k(command integer, stream text, wrapped text)
            where k.wrapped is null and not refused[k.command]));
        insert into stream_keys (stream, number, wrapped)
        select k.stream, k.number, decode(k.wrapped, 'hex')
        from jsonb_to_recordset(keys)
            as k(command integer, stream text, number integer, wrapped text)
        where k.wrapped is not null and not refused[k.command];
    end if;

    if credentials is not null then
        delete from credentials gone where gone.ctid = any(array(
            select (select held.ctid from credentials held where held.stream = c.stream)
            from jsonb_to_recordset(credentials) as c(command integer, stream text, hash text)
            where c.hash is null and not refused[c.command]));
        insert into credentials (stream, hash)
        select c.stream, c.hash
        from jsonb_to_recordset(credentials) as c(command integer, stream text, hash text)
        where c.hash is not null and not refused[c.command]
        on conflict (stream) do update set hash = excluded.hash;
    end if;

    if requests is not null then
        insert into idempotency_keys (
            store, actor, route, key, request, stream, sequence, position, status, time)
        select in_store, r.actor, r.route, decode(r.key, 'hex'), decode(r.request, 'hex'),
            r.stream, r.sequence, last_position[r.command], r.status, now
        from jsonb_to_recordset(requests)
            as r(command integer, actor text, route text, key text, request text, stream text,
                sequence bigint, status integer)
        where not refused[r.command];
    end if;

    return query
        select i, 'appended', last_position[i], now + (i - 1) * interval '1 microsecond', null
        from generate_series(1, command_count) as i
        where not refused[i];
end
$$;
