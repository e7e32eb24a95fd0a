-- What `append` takes, a type for each of its arrays, and what it refuses. `command` is always the number
-- of the command that the row is part of, from 1.

-- The sequence at which a command expects a stream; 0: the stream does not exist. Without a sequence,
-- the stream is a group that has to exist.
create type expected_stream as (
    command integer,
    kind text,
    stream text,
    sequence bigint
);

-- An event, sealed. Payload and metadata are the texts that are hashed.
create type new_event as (
    command integer,
    kind text,
    stream text,
    sequence bigint,
    type text,
    version text,
    payload text,
    metadata text
);

-- A value that a stream takes or releases. `hold` says how it is held: `claim`, `mark`, or `sole_mark`,
-- a mark that is refused when another stream has it.
create type hold_change as (
    command integer,
    hold text,
    kind text,
    key bytea,
    holder text,
    take boolean
);

-- A stream's `key` (`number` and `wrapped`) or `credential` (`hash`), as `secret` says. Without a value,
-- it is deleted.
create type secret_change as (
    command integer,
    secret text,
    stream text,
    number integer,
    wrapped bytea,
    hash text
);

-- A request with an Idempotency-Key, to be remembered. `sequence` is the stream's after the command.
create type new_request as (
    command integer,
    actor text,
    route text,
    key bytea,
    request bytea,
    stream text,
    sequence bigint,
    status integer
);

-- A reason why a command is refused.
create type refusal as (
    command integer,
    verdict text,
    detail text
);
