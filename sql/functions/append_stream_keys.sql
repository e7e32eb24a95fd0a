-- Deletes and adds the keys of streams, for the commands that are not refused.
create or replace function append_stream_keys(secrets secret_change[], refused boolean[]) returns void
language plpgsql
volatile
as $$
#variable_conflict use_column
begin
    -- By place, as claims.
    delete from stream_keys gone where gone.ctid = any(array(
        select (select k.ctid from stream_keys k where k.stream = s.stream)
        from unnest(append_stream_keys.secrets) as s
        where s.secret = 'key' and s.wrapped is null
            and not append_stream_keys.refused[s.command]));
    insert into stream_keys (stream, number, wrapped)
    select s.stream, s.number, s.wrapped
    from unnest(append_stream_keys.secrets) as s
    where s.secret = 'key' and s.wrapped is not null
        and not append_stream_keys.refused[s.command];
end
$$;

revoke all on function append_stream_keys from public;
