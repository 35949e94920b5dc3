#!/bin/sh
# PostgreSQL in a pod, without an image's own entry point: sh, initdb, pg_ctl, psql and pg_isready are enough.
# On the server's side, where PGDATA and HBA_FILE say what to serve, and PGHOST where its socket is:
#   prepare  make the data directory if there is none, then the administrator as the environment says
#   serve    become the server
#   stop     ask the server for a fast shutdown: clients are disconnected, nothing is lost
#   ready    succeed when connections are accepted
#   alive    succeed while the server answers at all, even if it refuses connections (crash recovery, shutdown)
# On the client's side, where PGHOST and its like say how to connect, and as whom:
#   login    wait until this login is let in, at most as long as a Job's or a rollout's deadline
#   grant    make owner, database and login as the environment says; the login acts as the owner
#   retire   lock a login that nobody uses any more
set -eu

PATH="$PATH:/usr/lib/postgresql/15/bin"

initialise() {
    volume="${PGDATA%/*}"
    fresh="$volume/initdb.unfinished"
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

sql() { psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 "$@"; }

# Statements hold the SCRAM verifier, never the password: it would be in the server's log and activity view.
administrator() {
    sql --username=postgres --dbname=postgres <<'SQL'
\getenv admin ADMIN
\getenv verifier ADMIN_VERIFIER
SELECT format('CREATE ROLE %I', :'admin')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'admin') \gexec
ALTER ROLE :"admin" LOGIN NOSUPERUSER CREATEDB CREATEROLE PASSWORD :'verifier';
SQL
}

prepare() {
    initialise
    # On the socket only: nobody can connect before the administrator is as it should be. pg_ctl must be a child
    # of PID 1, or PostgreSQL takes the PID that an unclean end left in its lock file for a server that runs.
    pg_ctl --pgdata="$PGDATA" --wait --timeout="$START_SECONDS" --silent \
        --options="-c listen_addresses='' -c hba_file=$HBA_FILE -c unix_socket_directories=$PGHOST" start
    trap 'pg_ctl --pgdata="$PGDATA" --wait --mode=fast --silent stop' EXIT
    administrator
    echo "administrator $ADMIN is ready"
}

# Network policies and a new primary may take a while; a Job's or a rollout's deadline ends a wait in vain.
await() { until pg_isready --quiet --timeout=3; do sleep 0.5; done; }

login() {
    await
    export PGCONNECT_TIMEOUT=3
    until sql --no-password --command='SELECT 1' >/dev/null; do sleep 1; done
}

grant() {
    await
    sql <<'SQL'
SET client_min_messages = warning;
\getenv name DB_NAME
\getenv owner DB_OWNER
\getenv login DB_LOGIN
\getenv verifier DB_VERIFIER
SELECT format('CREATE ROLE %I', :'owner')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'owner') \gexec
ALTER ROLE :"owner" NOLOGIN;
GRANT :"owner" TO CURRENT_USER;
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'owner')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
SELECT format('CREATE ROLE %I', :'login')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'login') \gexec
ALTER ROLE :"login" LOGIN INHERIT PASSWORD :'verifier';
GRANT :"owner" TO :"login";
ALTER ROLE :"login" SET role = :'owner';
SET ROLE :"owner";
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
    echo "login $DB_LOGIN of database $DB_NAME is ready"
}

retire() {
    await
    sql <<'SQL'
\getenv login DB_LOGIN
SELECT format('ALTER ROLE %I NOLOGIN PASSWORD NULL', :'login')
    WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = :'login') \gexec
SQL
    echo "login $DB_LOGIN is locked"
}

case "${1:-}" in
    prepare) prepare ;;
    serve) shift; exec postgres -D "$PGDATA" -c hba_file="$HBA_FILE" -c unix_socket_directories="$PGHOST" "$@" ;;
    stop) kill -INT "$(head -n 1 "$PGDATA/postmaster.pid")" ;;
    ready) exec pg_isready --quiet --timeout=3 ;;
    alive) pg_isready --quiet --timeout=3 || [ $? -eq 1 ] ;;
    login) login ;;
    grant) grant ;;
    retire) retire ;;
    *) echo "usage: postgres.sh prepare|serve|stop|ready|alive|login|grant|retire" >&2; exit 2 ;;
esac
