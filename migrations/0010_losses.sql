-- Positions that the store lost, in a restore or in a failover to a copy that lagged, and that a person
-- accepted as lost. Each began an epoch. Whoever meets such a position, in a topic of an earlier epoch
-- or in a receipt, finds here why the store has something else there, or nothing.

create table losses (
    -- The epoch that began with it.
    epoch bigint primary key,
    first bigint not null check (first >= 1),
    last bigint not null,
    -- The topics that have the lost records.
    topics text[] not null,
    accepted_at timestamptz not null default now(),
    -- The role that did.
    accepted_by text not null default session_user,
    check (last >= first)
);

create function losses_are_kept() returns trigger
language plpgsql as $$
begin
    raise exception 'an accepted loss is never changed or deleted';
end
$$;

create trigger losses_are_kept before update or delete or truncate on losses
    for each statement execute function losses_are_kept();

grant select on losses to ledger_app;
