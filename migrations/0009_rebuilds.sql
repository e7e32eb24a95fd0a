-- Tables of views that replaced others: when, and up to which position they held everything.
--
-- A rebuild makes the tables of a projection anew in a schema of their own and moves them to `public` in
-- one transaction. The tables that were there move to the schema `<projection>_kept`, for going back.

create table rebuilds (
    number bigint generated always as identity primary key,
    projection text not null,
    -- The tables that came in held everything up to here.
    position bigint not null check (position >= 0),
    -- Those that went out held everything up to here.
    kept_position bigint not null check (kept_position >= 0),
    -- Whether the tables that came in are ones that had gone out before.
    went_back boolean not null,
    switched_at timestamptz not null default clock_timestamp(),
    -- The role of the database that switched.
    switched_by text not null default session_user
);

grant select on rebuilds to ledger_app;
