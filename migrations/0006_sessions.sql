-- People of the merchant's sign in through Medusa's contract: here is what it shows of a person, and
-- the sessions, which outlive the process that began them.

alter table medusa_users
    add column updated_at timestamptz not null default now(),
    add column deleted_at timestamptz,
    add column metadata jsonb,
    -- The contract shows the api token, so it is kept sealed beside its HMAC. One that was granted
    -- before this stands as an HMAC alone: it opens the door, and is shown as null.
    add column api_token_sealed bytea;

-- Medusa looks e-mails of people up in lower case.
update medusa_users set updated_at = created_at, email = lower(email);

-- A removed person's e-mail is free again.
alter table medusa_users drop constraint medusa_users_store_email_key;
create unique index medusa_users_email on medusa_users (store, email) where deleted_at is null;

-- One row a session, under the HMAC of its id. Requests that sign nobody in leave none; a person has
-- a bounded number; those that are over are deleted.
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

-- A password hash that came from Medusa is made anew at the next sign-in.
grant update (password_hash) on medusa_users to ledger_app;
