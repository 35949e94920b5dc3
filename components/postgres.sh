#!/bin/sh
# PostgreSQL in a pod, without an image's own entry point: sh, initdb, pg_ctl, psql and pg_isready are enough.
#   prepare  make the data directory if there is none, then role, database and password as the environment says
#   serve    become the server
#   stop     ask the server for a fast shutdown: clients are disconnected, nothing is lost
#   ready    succeed when connections are accepted
#   alive    succeed while the server answers at all, even if it refuses connections (crash recovery, shutdown)
set -eu

PATH="$PATH:/usr/lib/postgresql/15/bin"
volume="${PGDATA%/*}"
fresh="$volume/initdb.unfinished"

initialise() {
    if [ -s "$PGDATA/PG_VERSION" ]; then return; fi
    # An initdb that was cut off leaves only this directory; the data directory appears whole or not at all.
    rm -rf "$fresh"
    initdb --pgdata="$fresh" --username=postgres --encoding=UTF8 --locale=C.UTF-8 --data-checksums \
        --auth-local=peer --auth-host=reject
    sync
    mv "$fresh" "$PGDATA"
    sync
    echo "data directory initialised"
}

# Passwords reach psql by its environment, and the server as the only statement of a session that logs none.
roles() {
    psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres <<'SQL'
\getenv user DB_USER
\getenv name DB_NAME
\getenv password DB_PASSWORD
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET log_min_duration_statement = -1;
SET password_encryption = 'scram-sha-256';
SELECT format('CREATE ROLE %I LOGIN', :'user')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'user') \gexec
ALTER ROLE :"user" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'user')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
}

prepare() {
    initialise
    # On the socket only: nobody can connect before the roles are as they should be.
    pg_ctl --pgdata="$PGDATA" --wait --timeout="$START_SECONDS" --silent \
        --options="-c listen_addresses='' -c hba_file=$HBA_FILE -c unix_socket_directories=$PGHOST" start
    trap 'pg_ctl --pgdata="$PGDATA" --wait --mode=fast --silent stop' EXIT
    roles
    echo "role $DB_USER and database $DB_NAME are ready"
}

case "${1:-}" in
    prepare) prepare ;;
    serve) shift; exec postgres -D "$PGDATA" -c hba_file="$HBA_FILE" -c unix_socket_directories="$PGHOST" "$@" ;;
    stop) kill -INT "$(head -n 1 "$PGDATA/postmaster.pid")" ;;
    ready) exec pg_isready --quiet --timeout=3 ;;
    alive) pg_isready --quiet --timeout=3 || [ $? -eq 1 ] ;;
    *) echo "usage: postgres.sh prepare|serve|stop|ready|alive" >&2; exit 2 ;;
esac
