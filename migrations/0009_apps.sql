-- Apps of SHOPLINE's are limited by plan, listed, revoked and installed again.

alter table shopline_apps
    -- SHOPLINE's own: `standard` is 40 requests at once and 4 per second, `unlimited` has no limit.
    add column plan text not null default 'standard'
        constraint shopline_apps_plan_is_known check (plan in ('standard', 'unlimited')),
    add column created_at timestamptz not null default now(),
    -- Tokens made before it open nothing: a revoked app that is installed again gets new ones.
    add column tokens_since timestamptz;

-- How full the bucket of each app is, for all processes together: when it is empty again, in
-- microseconds since 1970, and how many leases were taken. A lease is one update of one short row.
create table shopline_rates (
    store text not null,
    app_key text not null,
    empty_at bigint not null default 0,
    serial bigint not null default 0,
    primary key (store, app_key)
) with (fillfactor = 50);

grant select, insert, update on shopline_rates to ledger_app;
