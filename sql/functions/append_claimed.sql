-- Commands that take a claim of another stream (`claimed`; detail: the claim's kind).
create or replace function append_claimed(store text, holds hold_change[]) returns refusal[]
language plpgsql
volatile
as $$
begin
    return array(
        select row(h.command, 'claimed', h.kind)::refusal
        from unnest(append_claimed.holds) as h
        where h.hold = 'claim' and h.take and h.holder <> (
            select c.holder from claims c
            where c.store = append_claimed.store and c.kind = h.kind and c.key = h.key));
end
$$;

revoke all on function append_claimed from public;
