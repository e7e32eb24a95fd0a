-- What was refused, and who opened personal data.

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

-- Who opened whose personal data, when, to answer which question, and why. A row is written before
-- anything is shown: what could not be written is not shown.
--
-- The service may add rows and nothing else: it can neither hide an access nor read the others'.
create table access_log (
    access_id bigint generated always as identity primary key,
    time timestamptz not null default clock_timestamp(),
    store text not null,
    actor_kind text not null,
    actor_id text not null,
    -- The role of the database that wrote the row.
    role text not null default session_user,
    -- The customer whose data it was; a group, where callers' reasons for its changes were shown.
    stream text not null,
    -- What was asked, in the ledger's own words; never a value.
    question text not null,
    -- The id of the request, if the answer went over HTTP.
    request_id text,
    -- In the caller's words: sealed under the customer's key, so that erasure reaches it.
    reason json
);

create index access_log_by_stream on access_log (stream, time);
create index access_log_by_time on access_log (time);

grant insert (store, actor_kind, actor_id, stream, question, request_id, reason)
    on access_log to ledger_app;
