-- Who may ask, and who was refused. Names of people live here and nowhere in the events, so that
-- they can be erased.

-- People of the merchant's, as Medusa knows them. The api token is stored only as an HMAC.
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
    unique (store, email)
);

-- Apps of SHOPLINE's. A token names its app; what the app may do stands here.
create table shopline_apps (
    app_key text primary key,
    store text not null,
    secret bytea not null,
    scopes text[] not null,
    revoked_at timestamptz
);

-- Tokens of the ledger's own API, only as HMACs.
create table ledger_tokens (
    token bytea primary key,
    store text not null,
    name text not null unique,
    scopes text[] not null
);

grant select on medusa_users, shopline_apps, ledger_tokens to ledger_app;

-- Requests that were refused after authentication: which fields, never their values.
create table refusals (
    refusal_id bigint generated always as identity primary key,
    time timestamptz not null default now(),
    store text not null,
    request_id text not null,
    actor_kind text not null,
    actor_id text not null,
    contract text not null,
    route text not null,
    status integer not null,
    kind text not null,
    fields text[] not null
);

create index refusals_by_request on refusals (request_id);

grant select, insert on refusals to ledger_app;

-- `ledger serve` looks which migrations are in.
grant select on _sqlx_migrations to ledger_app;
