-- The role of the service. Processes connect as a member of `ledger_app`; it reads most tables and
-- changes few. Only the owner changes the ledger itself, through the function `append`.
--
-- Each later file grants what the service needs of its tables.

do $$
begin
    -- The owner of a database may be unable to make roles: then somebody else has made this one.
    if not exists (select from pg_roles where rolname = 'ledger_app') then
        create role ledger_app nologin;
    end if;
exception
    -- Roles belong to the server: a migration of another database made it at the same time.
    when duplicate_object or unique_violation then null;
end
$$;

grant usage on schema public to ledger_app;

-- `ledger serve` compares what is installed with what it was built with: migrations here, functions and
-- triggers in `sql_files`. A row is a file of `sql/`, written by `ledger migrate`.
grant select on _sqlx_migrations to ledger_app;

create table sql_files (
    path text primary key,
    sha256 bytea not null
);

grant select on sql_files to ledger_app;
