-- Releases and takes the claims of the commands that are not refused.
create or replace function append_claims(store text, holds hold_change[], refused boolean[])
returns void
language plpgsql
volatile
as $$
#variable_conflict use_column
begin
    -- By place, which a subquery finds by key: a join may be planned as a read of the whole table.
    delete from claims gone where gone.ctid = any(array(
        select (
            select c.ctid from claims c
            where c.store = append_claims.store and c.kind = h.kind and c.key = h.key
                and c.holder = h.holder)
        from unnest(append_claims.holds) as h
        where h.hold = 'claim' and not h.take and not append_claims.refused[h.command]));
    insert into claims (store, kind, key, holder)
    select append_claims.store, h.kind, h.key, h.holder
    from unnest(append_claims.holds) as h
    where h.hold = 'claim' and h.take and not append_claims.refused[h.command]
    on conflict do nothing;
end
$$;

revoke all on function append_claims from public;
