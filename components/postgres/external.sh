#!/bin/sh
# An external PostgreSQL: whether it can be this stack's database, and the logins that take turns on it. PGHOST and
# its like say how to connect, and as whom; a refusal says what was found, why it matters, and what to do.
#   check   whether this login can be the application's
#   grant   whether this administrator can make logins, then let one in, which acts as the owner
#   retire  lock a login that no client uses any more, and end the sessions that it still has
set -eu

PATH="$PATH:/usr/lib/postgresql/15/bin"
export PGCONNECT_TIMEOUT=5

sql() { psql --no-psqlrc --no-password --quiet --set=ON_ERROR_STOP=1 "$@"; }

refuse() {
    printf 'The database at %s:%s cannot be used by the stack: %s.\n  why it matters: %s\n  next: %s\n' \
        "$PGHOST" "$PGPORT" "$1" "$2" "$3" >&2
    exit 1
}

# A policy may be in force on a node some seconds after a pod has begun there. What the server itself says is final.
reach() {
    left="${REACH_SECONDS:-60}"
    until said="$(sql --command='SELECT 1' 2>&1 >/dev/null)"; do
        case "$said" in
            *'certificate verify failed'* | *'does not match host name'* | *'root certificate file'*)
                refuse "$said" "another server may be answering in its place, and would be given the password" \
                    "compare database.external.host and ca with the server's certificate" ;;
            *'does not support SSL'* | *'no encryption'*)
                refuse "$said" "passwords and customers' data would cross the network in the clear" \
                    "have the server accept TLS for this user" ;;
            *'authentication failed'*)
                refuse "$said" "no pod of the stack could log in" \
                    "compare the user and the password with the server's; another password is another Secret" ;;
            *'database "'*'does not exist'*)
                refuse "$said" "the stack makes no database on a server of others" \
                    "there: CREATE DATABASE $PGDATABASE; or name another one in database.name" ;;
            *'role "'*'does not exist'* | *'no pg_hba.conf entry'* | *'not permitted to log in'* | *'permission denied for database'*)
                refuse "$said" "no pod of the stack could log in" \
                    "let $PGUSER in there (CREATE ROLE, GRANT CONNECT, pg_hba.conf), or name another user" ;;
        esac
        left=$((left - 1))
        if [ "$left" -le 0 ]; then
            refuse "$said" "it was asked from a pod of the namespace, by the path that the clients have" \
                "compare database.external.host, port and cidrs with the server's, and its firewall with the nodes"
        fi
        sleep 1
    done
}

look() {
    sql --no-align --tuples-only --field-separator=' ' <<'SQL'
SELECT current_setting('server_version_num')::int / 10000, pg_is_in_recovery(), rolsuper, rolcreaterole OR rolsuper,
    least(
        current_setting('max_connections')::int,
        CASE WHEN datconnlimit < 0 THEN 1000000 ELSE datconnlimit END,
        CASE WHEN rolconnlimit < 0 THEN 1000000 ELSE rolconnlimit END
    ),
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
    EXISTS (
        SELECT FROM pg_class
        WHERE relkind IN ('r', 'p') AND relnamespace = to_regnamespace(current_schema())
            AND has_table_privilege(oid, 'SELECT')
    )
FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database();
SQL
}

suitable() {
    reach
    found="$(look)"
    # shellcheck disable=SC2086
    set -- $found
    version="$1" standby="$2" super="$3" makes_roles="$4" accepts="$5" creates="$6" reads="$7"
    if [ "$version" -lt "$OLDEST" ]; then
        refuse "it runs PostgreSQL $version" "the stack is made for $OLDEST and later, and tested with them" \
            "upgrade the server"
    fi
    if [ "$standby" = t ]; then
        refuse "it is a standby, which takes no writes" "no order could be placed" \
            "name the primary in database.external.host"
    fi
    if [ "$accepts" -lt "$CONNECTIONS" ]; then
        refuse "it accepts $accepts connections of this login, and the stack's pods may open $CONNECTIONS" \
            "at the highest load the last pods would be refused, and not be ready" \
            "raise max_connections there, or lower backend.poolSize or backend.autoscaling.maxReplicas"
    fi
}

check() {
    suitable
    if [ "$super" = t ]; then
        refuse "the login $PGUSER is its superuser" "an error in the application would be one in every database there" \
            "there: make a role that owns the database $PGDATABASE alone, and name it in database.user"
    fi
    if [ "$creates$reads" = ff ]; then
        refuse "the login $PGUSER may neither create a table in the database $PGDATABASE nor read one" \
            "migrations would fail, and so would every request" \
            "there, as the owner of $PGDATABASE: GRANT USAGE, CREATE ON SCHEMA public TO $PGUSER"
    fi
    echo "PostgreSQL $version at $PGHOST:$PGPORT takes the login $PGUSER"
}

# Statements hold the SCRAM verifier, never the password: it would be in the server's log and activity view.
grant() {
    suitable
    if [ "$makes_roles" = f ]; then
        refuse "the administrator $PGUSER may not make roles" "a rotation needs two logins that take turns" \
            "there: ALTER ROLE $PGUSER CREATEROLE; or set database.external.password in place of administrator"
    fi
    powerful="$(sql --no-align --tuples-only <<'SQL'
\getenv owner DB_OWNER
\getenv login DB_LOGIN
SELECT string_agg(rolname, ' and ' ORDER BY rolname) FROM pg_roles
    WHERE rolname IN (:'owner', :'login')
        AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls);
SQL
)"
    if [ -n "$powerful" ]; then
        refuse "$powerful may do more than its own database asks for" "the application would have these rights" \
            "there: take them back (ALTER ROLE … NOCREATEROLE …), or name another role in database.user"
    fi
    if ! said="$(sql --single-transaction 2>&1 <<'SQL'
\getenv owner DB_OWNER
\getenv login DB_LOGIN
\getenv verifier DB_VERIFIER
\getenv name DB_NAME
SET client_min_messages = warning;
SELECT format('CREATE ROLE %I NOLOGIN', :'owner')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'owner') \gexec
SELECT format('CREATE ROLE %I', :'login')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'login') \gexec
SELECT format('GRANT %I TO %I', :'owner', :'login') WHERE NOT EXISTS (
    SELECT FROM pg_auth_members WHERE pg_get_userbyid(roleid) = :'owner' AND pg_get_userbyid(member) = :'login'
) \gexec
SET client_min_messages = error;
ALTER ROLE :"login" SET role = :'owner';
SELECT format('GRANT CONNECT, CREATE, TEMPORARY ON DATABASE %I TO %I', :'name', :'owner') \gexec
SELECT format('GRANT USAGE, CREATE ON SCHEMA public TO %I', :'owner')
    WHERE NOT has_schema_privilege(:'owner', 'public', 'CREATE') \gexec
ALTER ROLE :"login" LOGIN INHERIT PASSWORD :'verifier';
SQL
)"; then
        refuse "$said" "the administrator $PGUSER cannot make the login $DB_LOGIN act as $DB_OWNER" \
            "there, as who made $DB_OWNER: GRANT $DB_OWNER TO $PGUSER WITH ADMIN OPTION"
    fi
    creates="$(sql --no-align --tuples-only <<'SQL'
\getenv owner DB_OWNER
SELECT has_schema_privilege(:'owner', 'public', 'CREATE');
SQL
)"
    if [ "$creates" = f ]; then
        refuse "$DB_OWNER may create no table in the database $DB_NAME, and $PGUSER cannot let it" \
            "migrations would fail" "there, as the owner of $DB_NAME: GRANT USAGE, CREATE ON SCHEMA public TO $DB_OWNER"
    fi
    echo "login $DB_LOGIN of database $DB_NAME is ready"
}

# To end a login's sessions takes its rights: for as long as that.
retire() {
    reach
    sql <<'SQL'
\getenv login DB_LOGIN
SET client_min_messages = error;
ALTER ROLE :"login" NOLOGIN PASSWORD NULL;
GRANT :"login" TO CURRENT_USER;
SQL
    quiet=0
    until [ "$quiet" -eq 2 ]; do
        ended="$(sql --no-align --tuples-only <<'SQL'
\getenv login DB_LOGIN
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = :'login' AND pid <> pg_backend_pid();
SQL
)"
        if [ "$ended" -eq 0 ]; then quiet=$((quiet + 1)); else quiet=0; echo "$ended sessions of $DB_LOGIN ended"; fi
        [ "$quiet" -eq 2 ] || sleep 1
    done
    sql <<'SQL'
\getenv login DB_LOGIN
SET client_min_messages = error;
REVOKE :"login" FROM CURRENT_USER;
SQL
    echo "login $DB_LOGIN is locked"
}

case "${1:-}" in
    check) check ;;
    grant) grant ;;
    retire) retire ;;
    *) echo "usage: external.sh check|grant|retire" >&2; exit 2 ;;
esac
