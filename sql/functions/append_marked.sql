-- Commands that take a mark as its only holder while another stream has it (`marked`; detail: the mark's
-- kind).
create or replace function append_marked(store text, holds hold_change[]) returns refusal[]
language plpgsql
volatile
as $$
begin
    return array(
        select distinct row(h.command, 'marked', h.kind)::refusal
        from unnest(append_marked.holds) as h
        where h.hold = 'sole_mark' and h.take and (
            select true from marks m
            where m.store = append_marked.store and m.kind = h.kind and m.key = h.key
                and m.holder <> h.holder
            limit 1));
end
$$;

revoke all on function append_marked from public;
