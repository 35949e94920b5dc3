
-- The login that makes copies of the whole: it reads the server's settings and tells it when a copy begins and ends.
-- The data it never sees: it reads files that it may not write. https://docs.pgbarman.org/release/3.19.1/user_guide/pre_requisites.html
DO $do$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '@backup@') THEN
        CREATE ROLE "@backup@" NOLOGIN;
    END IF;
    ALTER ROLE "@backup@" NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 4;
    GRANT pg_read_all_settings, pg_read_all_stats, pg_checkpoint TO "@backup@";
    GRANT EXECUTE ON FUNCTION pg_catalog.pg_backup_start(text, boolean), pg_catalog.pg_backup_stop(boolean),
        pg_catalog.pg_switch_wal(), pg_catalog.pg_create_restore_point(text) TO "@backup@";
END
$do$;

CREATE FUNCTION feastflow.open_backup(verifier text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    -- A password itself would be in the server's log.
    IF verifier IS NULL
        OR verifier !~ '^SCRAM-SHA-256\$[0-9]{4,7}:[A-Za-z0-9+/]{8,88}={0,2}\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$'
    THEN
        RAISE EXCEPTION 'no SCRAM-SHA-256 verifier' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('ALTER ROLE %I LOGIN PASSWORD %L', '@backup@', verifier);
END
$function$;

REVOKE ALL ON FUNCTION feastflow.open_backup(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION feastflow.open_backup(text) TO "@admin@";
