-- `pg_trgm` finds parts of texts in any case, for the lists of both contracts. It is a trusted
-- extension: an owner of the database may create it, where the server has it. In Debian it is part of
-- the package `postgresql`; elsewhere the package is often called `postgresql-contrib`.

do $$
begin
    create extension if not exists pg_trgm;
exception
    when undefined_file or feature_not_supported then
        raise exception 'the server has no extension pg_trgm: install postgresql-contrib'
            using errcode = 'feature_not_supported';
    when insufficient_privilege then
        raise exception 'this role may not create the extension pg_trgm: as a superuser, '
            'run "create extension pg_trgm" in this database' using errcode = 'insufficient_privilege';
end
$$;
