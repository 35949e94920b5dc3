-- The rows of each table as JSON, how many tables there are, and the rows of all.
SET client_min_messages = warning;
CREATE TEMPORARY TABLE counted (name text, rows bigint);
SELECT format('INSERT INTO counted SELECT %L, count(*) FROM %I.%I', format('%I.%I', nspname, relname), nspname, relname)
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind = 'r' AND relpersistence IN ('p', 'u') AND nspname !~ '^pg_'
        AND nspname NOT IN ('information_schema', 'feastflow')
        AND NOT EXISTS (SELECT FROM pg_depend WHERE deptype = 'e' AND classid = 'pg_class'::regclass AND objid = pg_class.oid)
    \gexec
SELECT coalesce(json_object_agg(name, rows ORDER BY name), '{}'), count(*), coalesce(sum(rows), 0) FROM counted;
