-- Releases and takes the marks of the commands that are not refused.
create or replace function append_marks(store text, holds hold_change[], refused boolean[])
returns void
language plpgsql
volatile
as $$
#variable_conflict use_column
begin
    -- By place, as claims.
    delete from marks gone where gone.ctid = any(array(
        select (
            select m.ctid from marks m
            where m.store = append_marks.store and m.kind = h.kind and m.key = h.key
                and m.holder = h.holder)
        from unnest(append_marks.holds) as h
        where h.hold in ('mark', 'sole_mark') and not h.take
            and not append_marks.refused[h.command]));
    insert into marks (store, kind, key, holder)
    select append_marks.store, h.kind, h.key, h.holder
    from unnest(append_marks.holds) as h
    where h.hold in ('mark', 'sole_mark') and h.take and not append_marks.refused[h.command]
    on conflict do nothing;
end
$$;

revoke all on function append_marks from public;
