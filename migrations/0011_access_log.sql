-- Who opened whose personal data, when, to answer which question, and why. A row is written before
-- anything is shown, so that what could not be written was not shown.
--
-- The service may add rows and nothing else: it can neither hide an access nor read the others'.

create table access_log (
    access_id bigint generated always as identity primary key,
    time timestamptz not null default clock_timestamp(),
    store text not null,
    actor_kind text not null,
    actor_id text not null,
    -- The role of the database that the row was written as.
    role text not null default session_user,
    -- Whose data; groups have none.
    stream text not null,
    -- What was asked, in the ledger's own words; never a value.
    question text not null,
    -- The request of an answer over HTTP.
    request_id text,
    -- In the caller's words: sealed under the customer's key, so that erasure reaches it.
    reason json
);

create index access_log_by_stream on access_log (stream, time);
create index access_log_by_time on access_log (time);

create function accesses_are_kept() returns trigger
language plpgsql as $$
begin
    raise exception 'an access that was logged is never changed or deleted';
end
$$;

create trigger accesses_are_kept before update or delete or truncate on access_log
    for each statement execute function accesses_are_kept();

grant insert (store, actor_kind, actor_id, stream, question, request_id, reason)
    on access_log to ledger_app;
