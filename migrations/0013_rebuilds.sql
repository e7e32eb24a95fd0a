-- Tables of views that took the place of others: when, and up to which position they held everything.
--
-- A rebuild makes the tables of a projection anew, in a schema of their own, and moves them here in one
-- transaction; those that were here move to the schema `<projection>_kept`, for going back.

create table rebuilds (
    number bigint generated always as identity primary key,
    projection text not null,
    -- The tables that came in held everything up to here.
    position bigint not null check (position >= 0),
    -- So did those that went out, up to here.
    kept_position bigint not null check (kept_position >= 0),
    -- Whether tables came in that had gone out before.
    went_back boolean not null,
    switched_at timestamptz not null default clock_timestamp(),
    -- The role that did.
    switched_by text not null default session_user
);

grant select on rebuilds to ledger_app;
