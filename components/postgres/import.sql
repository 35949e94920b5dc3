-- One transaction: what is there and empty, or may be lost, is replaced by the dump on standard input; the rows of each
-- table are compared with it. Whatever fails leaves everything as it was.
\set ON_ERROR_STOP on
\getenv replaced REPLACED
\getenv folder FOLDER
\set within 'nspname !~ ''^pg_'' AND nspname NOT IN (''information_schema'', ''feastflow'')'
BEGIN;
SET LOCAL lock_timeout = '60s';
SET LOCAL client_min_messages = warning;
-- Of an extension's own, nothing.
CREATE TEMPORARY VIEW foreign_parts AS
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e';
-- Nobody writes between the look and the end.
SELECT format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE', nspname, relname)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'p') AND :within
        AND NOT EXISTS (SELECT FROM foreign_parts WHERE classid = 'pg_class'::regclass AND objid = c.oid)
    \gexec
CREATE TEMPORARY TABLE held (name text, rows bigint) ON COMMIT DROP;
SELECT format('INSERT INTO held SELECT %L, count(*) FROM ONLY %I.%I', format('%I.%I', nspname, relname), nspname, relname)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
    WHERE relkind = 'r' AND :within
        AND NOT EXISTS (SELECT FROM foreign_parts WHERE classid = 'pg_class'::regclass AND objid = c.oid)
    \gexec
SELECT coalesce(string_agg(format('%s (%s rows)', name, rows), ', ' ORDER BY name), '') AS lost,
    coalesce(string_agg(name, ',' ORDER BY name), '') AS names, count(*) > 0 AS refused
    FROM held WHERE rows > 0 AND name <> ALL (string_to_array(:'replaced', ',')) \gset
\if :refused
    \warn 'The database holds data:' :lost
    \warn '  why it matters: the import replaces every table that is there, and these rows would be lost'
    \warn '  next: if they may be, name each of them: REPLACE=' :names
    ROLLBACK;
    \q
\endif
SELECT format('DROP %s IF EXISTS %I.%I CASCADE',
        CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
        nspname, relname)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
    WHERE relkind IN ('v', 'm', 'S', 'r', 'p') AND :within
        AND NOT EXISTS (SELECT FROM foreign_parts WHERE classid = 'pg_class'::regclass AND objid = c.oid)
    ORDER BY relkind = 'S', relkind IN ('r', 'p')
    \gexec
SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure)
    FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
    WHERE :within AND NOT EXISTS (SELECT FROM foreign_parts WHERE classid = 'pg_proc'::regclass AND objid = p.oid)
    \gexec
SELECT format('DROP TYPE IF EXISTS %I.%I CASCADE', nspname, typname)
    FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = typnamespace
    WHERE typtype IN ('e', 'd', 'r') AND :within
        AND NOT EXISTS (SELECT FROM foreign_parts WHERE classid = 'pg_type'::regclass AND objid = t.oid)
    \gexec
SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', nspname)
    FROM pg_namespace AS n WHERE :within AND nspname <> 'public'
        AND pg_has_role(nspowner, 'USAGE')
        AND NOT EXISTS (SELECT FROM foreign_parts WHERE classid = 'pg_namespace'::regclass AND objid = n.oid)
    \gexec
DROP VIEW foreign_parts;
\o /dev/null
\i /dev/stdin
\o
RESET search_path;
\set counted :folder '/here'
\pset format unaligned
\pset tuples_only on
\pset fieldsep '|'
\o :counted
SELECT format('SELECT %L, count(*) FROM ONLY %I.%I', format('%I.%I', nspname, relname), nspname, relname)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
    WHERE relkind = 'r' AND nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'feastflow')
        AND NOT EXISTS (SELECT FROM pg_depend WHERE deptype = 'e' AND classid = 'pg_class'::regclass AND objid = c.oid)
    \gexec
\o
\set same `sh "$SCRIPTS/import.sh" same`
\if :same
    COMMIT;
    \! sh "$SCRIPTS/import.sh" told
\else
    ROLLBACK;
\endif
