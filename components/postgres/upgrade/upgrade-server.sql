-- Facts of the server that no database has alone, as upgrade.sql has those of one: its roles and its databases.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
SET search_path = pg_catalog;
SELECT 'role', rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls,
        rolconnlimit, rolvaliduntil, encode(sha256(convert_to(rolpassword, 'UTF8')), 'hex'), shobj_description(oid, 'pg_authid')
    FROM pg_authid WHERE rolname !~ '^pg_' ORDER BY 2;
SELECT DISTINCT 'member', above.rolname, below.rolname, admin_option FROM pg_auth_members
    JOIN pg_roles AS above ON above.oid = roleid JOIN pg_roles AS below ON below.oid = member
    WHERE below.rolname !~ '^pg_' ORDER BY 2, 3, 4;
SELECT 'setting', coalesce(datname, ''), coalesce(rolname, ''), each
    FROM pg_db_role_setting LEFT JOIN pg_database AS d ON d.oid = setdatabase LEFT JOIN pg_roles AS r ON r.oid = setrole,
        unnest(setconfig) AS each WHERE datname IS DISTINCT FROM 'template1' ORDER BY 2, 3, 4;
SELECT 'database', datname, datdba::regrole, pg_encoding_to_char(encoding), datlocprovider, datcollate, datctype,
        coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'), datistemplate, datconnlimit,
        (SELECT string_agg(format('%s<%s:%s%s', coalesce(e.rolname, 'PUBLIC'), r.rolname, privilege_type,
                CASE WHEN is_grantable THEN '*' END), ' ' ORDER BY e.rolname NULLS FIRST, r.rolname, privilege_type)
            FROM aclexplode(coalesce(datacl, acldefault('d', datdba)))
            LEFT JOIN pg_roles AS e ON e.oid = grantee LEFT JOIN pg_roles AS r ON r.oid = grantor)
    FROM pg_database AS d WHERE datallowconn AND datname <> 'template1' ORDER BY 2;
