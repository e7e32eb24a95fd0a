-- Deletes and replaces password hashes, for the commands that are not refused.
create or replace function append_credentials(secrets secret_change[], refused boolean[]) returns void
language plpgsql
volatile
as $$
#variable_conflict use_column
begin
    -- By place, as claims.
    delete from credentials gone where gone.ctid = any(array(
        select (select c.ctid from credentials c where c.stream = s.stream)
        from unnest(append_credentials.secrets) as s
        where s.secret = 'credential' and s.hash is null
            and not append_credentials.refused[s.command]));
    insert into credentials (stream, hash)
    select s.stream, s.hash
    from unnest(append_credentials.secrets) as s
    where s.secret = 'credential' and s.hash is not null
        and not append_credentials.refused[s.command]
    on conflict (stream) do update set hash = excluded.hash;
end
$$;

revoke all on function append_credentials from public;
