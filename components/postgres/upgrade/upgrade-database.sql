-- Facts of the database that is asked, one a line, in words that no version of PostgreSQL changes: what must be the
-- same after an upgrade as before it. Of an extension's own objects, only the extension.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'iso_8601';
SET extra_float_digits = 1;
SET bytea_output = 'hex';
SET xmlbinary = 'base64';
SET search_path = pg_catalog;
SET row_security = off;
CREATE TEMPORARY VIEW of_extensions AS SELECT classid, objid FROM pg_depend WHERE deptype = 'e';
CREATE TEMPORARY VIEW own AS
    SELECT c.oid, nspname, relname, relkind, relowner, relacl, relpersistence, relrowsecurity, relforcerowsecurity
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
        AND NOT EXISTS (SELECT FROM of_extensions WHERE classid = 'pg_class'::regclass AND objid = c.oid);
-- Privileges as they are in force; MAINTAIN came with 17, and an owner has it there.
CREATE FUNCTION pg_temp.granted(aclitem[]) RETURNS text LANGUAGE sql SET search_path = pg_catalog AS $$
    SELECT string_agg(format('%s<%s:%s%s', coalesce(e.rolname, 'PUBLIC'), r.rolname, privilege_type,
            CASE WHEN is_grantable THEN '*' END), ' ' ORDER BY e.rolname NULLS FIRST, r.rolname, privilege_type)
        FROM aclexplode($1) LEFT JOIN pg_roles AS e ON e.oid = grantee LEFT JOIN pg_roles AS r ON r.oid = grantor
        WHERE privilege_type <> 'MAINTAIN'
$$;

SELECT 'extension', extname, nspname FROM pg_extension JOIN pg_namespace AS n ON n.oid = extnamespace ORDER BY 2;
SELECT 'schema', nspname, nspowner::regrole, pg_temp.granted(coalesce(nspacl, acldefault('n', nspowner)))
    FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 2;
SELECT 'relation', relkind, nspname, relname, relowner::regrole, relpersistence, relrowsecurity, relforcerowsecurity,
        pg_temp.granted(coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner)))
    FROM own WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f') ORDER BY 2, 3, 4;
SELECT 'column', nspname, relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated,
        pg_temp.granted(attacl), pg_get_expr(adbin, adrelid) IS NOT NULL
    FROM own JOIN pg_attribute ON attrelid = own.oid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND attnum > 0 AND NOT attisdropped ORDER BY 2, 3, 4;
-- One that was cut off while it was made has no use, and pg_dump leaves it out.
SELECT 'index', nspname, relname, indisunique, indisprimary FROM own JOIN pg_index ON indexrelid = own.oid
    WHERE indisvalid ORDER BY 2, 3;
-- What a column says itself is one of its own from 18 on.
SELECT 'constraint', nspname, relname, conname, contype, convalidated FROM own JOIN pg_constraint ON conrelid = own.oid
    WHERE contype <> 'n' ORDER BY 2, 3, 4;
SELECT 'trigger', nspname, relname, tgname, tgenabled FROM own JOIN pg_trigger ON tgrelid = own.oid
    WHERE NOT tgisinternal ORDER BY 2, 3, 4;
SELECT 'policy', nspname, relname, polname FROM own JOIN pg_policy ON polrelid = own.oid ORDER BY 2, 3, 4;
SELECT 'routine', nspname, proname, pg_get_function_identity_arguments(p.oid), proowner::regrole, prosecdef,
        pg_temp.granted(coalesce(proacl, acldefault('f', proowner)))
    FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
        AND NOT EXISTS (SELECT FROM of_extensions WHERE classid = 'pg_proc'::regclass AND objid = p.oid)
    ORDER BY 2, 3, 4;
SELECT 'type', nspname, typname, typtype, typowner::regrole FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = typnamespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND typtype IN ('e', 'd', 'r', 'm')
        AND NOT EXISTS (SELECT FROM of_extensions WHERE classid = 'pg_type'::regclass AND objid = t.oid)
    ORDER BY 2, 3;
SELECT 'defaults', rolname, coalesce(nspname, ''), defaclobjtype, pg_temp.granted(defaclacl)
    FROM pg_default_acl JOIN pg_roles AS r ON r.oid = defaclrole LEFT JOIN pg_namespace AS n ON n.oid = defaclnamespace
    ORDER BY 2, 3, 4;
SELECT 'publication', pubname FROM pg_publication ORDER BY 2;
SELECT format('SELECT ''sequence'', %L, %L, last_value, is_called FROM %I.%I', nspname, relname, nspname, relname)
    FROM own WHERE relkind = 'S' ORDER BY nspname, relname \gexec
SELECT 'large objects', count(*) FROM pg_largeobject_metadata;
-- Pages without data are not there before, and are afterwards: sizes alone are the same.
SELECT 'large objects'' bytes', coalesce(sum(bytes), 0) FROM (
    SELECT DISTINCT ON (loid) pageno * 2048 + length(data) AS bytes FROM pg_largeobject ORDER BY loid, pageno DESC
) AS ends;
-- Every row counts, in any order. What a type of an extension is written as may follow its version.
SELECT format('SELECT ''rows'', %L, %L, count(*)%s FROM ONLY %I.%I AS "the row"', nspname, relname,
        CASE WHEN EXISTS (
            SELECT FROM pg_attribute JOIN pg_type AS t ON t.oid = atttypid
            WHERE attrelid = own.oid AND attnum > 0 AND NOT attisdropped AND EXISTS (
                SELECT FROM of_extensions WHERE classid = 'pg_type'::regclass AND objid IN (t.oid, t.typelem, t.typbasetype)))
            THEN '' ELSE ', coalesce(sum(hashtextextended(("the row".*)::text, 0)), 0)' END,
        nspname, relname)
    FROM own WHERE relkind = 'r' ORDER BY nspname, relname \gexec
