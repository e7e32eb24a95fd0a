-- Commands that were decided on a stream that is at another sequence now (`stale`), or that need a group
-- that does not exist (`unknown_group`; detail: the group). A live group holds the claim to its name; a
-- deleted one holds nothing.
create or replace function append_unmet(streams expected_stream[]) returns refusal[]
language plpgsql
volatile
as $$
begin
    return array(
        select row(
            s.command,
            case when s.sequence is null then 'unknown_group' else 'stale' end,
            case when s.sequence is null then s.stream end)::refusal
        from unnest(append_unmet.streams) as s
        where s.sequence <> coalesce((
                select e.sequence from events e
                where e.aggregate_type = s.kind and e.aggregate_id = s.stream
                order by e.sequence desc limit 1), 0)
            or s.sequence is null and (
                select true from claims c
                where c.holder = s.stream and c.kind = 'group_name'
                limit 1) is null);
end
$$;

revoke all on function append_unmet from public;
