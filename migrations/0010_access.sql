-- Who may ask. Names of people are kept here and not in the events, so that they can be erased.

-- The people of a merchant, as Medusa knows them. Their e-mails are in lower case. The contract shows
-- the api token, so it is kept sealed beside its HMAC; where only the HMAC is known, it is valid and
-- shown as null.
create table medusa_users (
    user_id text primary key,
    store text not null,
    email text not null,
    first_name text,
    last_name text,
    role text not null,
    password_hash text not null,
    api_token bytea unique,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    metadata jsonb,
    api_token_sealed bytea
);

-- The e-mail of a removed person is free again.
create unique index medusa_users_email on medusa_users (store, email) where deleted_at is null;

grant select on medusa_users to ledger_app;
-- A password hash that came from Medusa is replaced at the next sign-in.
grant update (password_hash) on medusa_users to ledger_app;

-- The sessions of people, which outlive the process that began them: one row a session, under the HMAC
-- of its id. Only a sign-in makes one; a person has a bounded number; expired ones are deleted.
create table medusa_sessions (
    session bytea primary key,
    store text not null,
    user_id text not null references medusa_users on delete cascade,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);

create index medusa_sessions_by_user on medusa_sessions (user_id, expires_at);
create index medusa_sessions_by_expiry on medusa_sessions (expires_at);

grant select, insert, delete on medusa_sessions to ledger_app;

-- The apps that ask through SHOPLINE's contract. A token names its app; what the app may do is here.
create table shopline_apps (
    app_key text primary key,
    store text not null,
    secret bytea not null,
    scopes text[] not null,
    revoked_at timestamptz,
    -- SHOPLINE's plans: `standard` is 40 requests at once and 4 per second, `unlimited` has no limit.
    plan text not null default 'standard'
        constraint shopline_apps_plan_is_known check (plan in ('standard', 'unlimited')),
    created_at timestamptz not null default now(),
    -- Tokens made before this are refused: an app that was revoked and is installed again gets new ones.
    tokens_since timestamptz
);

grant select on shopline_apps to ledger_app;

-- How full the bucket of each app is, for all processes together: when it will be empty, in microseconds
-- since 1970, and how many leases were taken. A lease is one update of one short row.
create table shopline_rates (
    store text not null,
    app_key text not null,
    empty_at bigint not null default 0,
    serial bigint not null default 0,
    primary key (store, app_key)
) with (fillfactor = 50);

grant select, insert, update on shopline_rates to ledger_app;

-- Tokens of the ledger's own API, only as HMACs.
create table ledger_tokens (
    token bytea primary key,
    store text not null,
    name text not null unique,
    scopes text[] not null
);

grant select on ledger_tokens to ledger_app;
