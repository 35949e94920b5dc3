-- What the administrator may do about roles, and no more: three functions of the superuser's, in the database
-- `postgres`. Run as the superuser, as often as one likes; @…@ stand for the stack's own names.
-- The administrator had CREATEROLE in versions before, which on PostgreSQL 15 leads to the superuser
-- (docs/decisions/0051): what it had, and what may have been made with it for these roles, is taken back.

DO $do$
DECLARE
    own text;
    held record;
BEGIN
    FOREACH own IN ARRAY ARRAY['@admin@', '@owner@', '@a@', '@b@'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = own) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', own);
        END IF;
    END LOOP;
    ALTER ROLE "@admin@" NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
    -- The administrator is a member of nothing, and nothing of it; the others of nothing that leads out of SQL.
    FOR held IN
        SELECT above.rolname AS above, below.rolname AS below, grantor.rolname AS grantor
        FROM pg_catalog.pg_auth_members AS membership
        JOIN pg_catalog.pg_roles AS above ON above.oid = membership.roleid
        JOIN pg_catalog.pg_roles AS below ON below.oid = membership.member
        LEFT JOIN pg_catalog.pg_roles AS grantor ON grantor.oid = membership.grantor
        WHERE '@admin@' IN (above.rolname, below.rolname)
            OR (
                below.rolname IN ('@owner@', '@a@', '@b@')
                AND (
                    above.rolsuper
                    OR above.rolname IN (
                        'pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'
                    )
                )
            )
    LOOP
        -- From 16 on a membership is its grantor's: https://www.postgresql.org/docs/16/release-16.html
        EXECUTE format('REVOKE %I FROM %I', held.above, held.below)
            || CASE
                WHEN current_setting('server_version_num')::int >= 160000 AND held.grantor IS NOT NULL
                THEN format(' GRANTED BY %I', held.grantor) ELSE ''
            END
            || ' CASCADE';
    END LOOP;
    -- The logins act as the owner. What the administrator had granted has gone with what it had.
    ALTER ROLE "@owner@" NOLOGIN NOSUPERUSER NOCREATEROLE;
    FOREACH own IN ARRAY ARRAY['@a@', '@b@'] LOOP
        EXECUTE format('ALTER ROLE %I INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', own);
        EXECUTE format('GRANT %I TO %I', '@owner@', own);
        -- Not in a function: one that runs as somebody else may not set a role.
        EXECUTE format('ALTER ROLE %I SET role = %L', own, '@owner@');
    END LOOP;
END
$do$;

-- Made from nothing, so that no function of anybody's stands beside these.
DROP SCHEMA IF EXISTS feastflow CASCADE;
CREATE SCHEMA feastflow;

-- Let a login in with the password of this verifier.
CREATE FUNCTION feastflow.open_login(login text, verifier text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    IF login IS NULL OR login NOT IN ('@a@', '@b@') THEN
        RAISE EXCEPTION 'no login of this stack' USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- A password itself would be in the server's log.
    IF verifier IS NULL
        OR verifier !~ '^SCRAM-SHA-256\$[0-9]{4,7}:[A-Za-z0-9+/]{8,88}={0,2}\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$'
    THEN
        RAISE EXCEPTION 'no SCRAM-SHA-256 verifier' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('ALTER ROLE %I LOGIN PASSWORD %L', login, verifier);
    -- CloudNativePG makes the owner with a password of its own, and the database after these functions.
    ALTER ROLE "@owner@" NOLOGIN;
    REVOKE CONNECT ON DATABASE "@name@" FROM PUBLIC;
END
$function$;

-- Let a login in no more. Sessions that it has go on: see end_sessions.
CREATE FUNCTION feastflow.lock_login(login text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    IF login IS NULL OR login NOT IN ('@a@', '@b@') THEN
        RAISE EXCEPTION 'no login of this stack' USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('ALTER ROLE %I NOLOGIN PASSWORD NULL', login);
END
$function$;

-- End the sessions of a login or of the administrator, but for this one; how many there were.
CREATE FUNCTION feastflow.end_sessions(login text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    IF login IS NULL OR login NOT IN ('@a@', '@b@', '@admin@') THEN
        RAISE EXCEPTION 'no login of this stack' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN (
        SELECT count(pg_terminate_backend(activity.pid))
        FROM pg_stat_activity AS activity
        JOIN pg_roles AS role ON role.oid = activity.usesysid
        WHERE role.rolname = login AND activity.pid <> pg_backend_pid()
    );
END
$function$;

REVOKE ALL ON SCHEMA feastflow FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA feastflow FROM PUBLIC;
GRANT USAGE ON SCHEMA feastflow TO "@admin@";
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA feastflow TO "@admin@";
