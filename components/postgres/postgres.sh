#!/bin/sh
# PostgreSQL in a pod, without an image's own entry point: sh, initdb, pg_ctl, psql and pg_isready are enough.
# On the server's side, where PGDATA and HBA_FILE say what to serve, and PGHOST where its socket is:
#   prepare  make the data directory if there is none, then administrator, owner and database as the environment says
#   serve    become the server
#   stop     ask the server for a fast shutdown: clients are disconnected, nothing is lost
#   ready    succeed when connections are accepted
#   alive    succeed while the server answers at all, even if it refuses connections (crash recovery, shutdown)
# On the client's side, where PGHOST and its like say how to connect, and as whom:
#   login    wait until this login is let in, at most as long as a Job's or a rollout's deadline
#   grant    give the administrator this rotation's password, and let the login in, which acts as the owner
#   retire   lock a login that no client uses any more, and end the sessions that it still has
set -eu

PATH="$PATH:/usr/lib/postgresql/15/bin"
here="$(dirname "$0")"
# shellcheck source=components/volume.sh
. "$here/volume.sh"

initialise() {
    settle
    if [ -s "$PGDATA/PG_VERSION" ]; then make_room; return; fi
    elsewhere
    # An initdb that was cut off leaves only this directory; the data directory appears whole or not at all.
    chmod -R u+rwX "$fresh" 2>/dev/null || :
    rm -rf "$fresh"
    initdb --pgdata="$fresh" --username=postgres --encoding=UTF8 --locale=C.UTF-8 --data-checksums \
        --auth-local=peer --auth-host=reject
    sync
    mv "$fresh" "$PGDATA"
    sync
    echo "data directory initialised"
}

make_room() { if [ -n "${STORE_DESTINATION:-}" ]; then sh "$here/backup.sh" drain; fi; }

# A kubelet that is started again gives a volume its group's modes while the server runs, and a container that ends
# is started again without `prepare`.
serve() {
    settle
    make_room
    exec postgres -D "$PGDATA" -c hba_file="$HBA_FILE" -c unix_socket_directories="$PGHOST" "$@"
}

sql() { psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 "$@"; }

# Statements hold the SCRAM verifier, never the password: it would be in the server's log and activity view.
# The comment says which first password the administrator was given: a rotation changes it afterwards, and a
# start must not change it back.
administrator() {
    sql --username=postgres --dbname=postgres --single-transaction --file="$here/roles.sql"
    sql --username=postgres --dbname=postgres <<'SQL'
\getenv admin ADMIN
\getenv verifier ADMIN_VERIFIER
\getenv name DB_NAME
\getenv owner DB_OWNER
ALTER ROLE :"admin" LOGIN;
SELECT encode(sha256(convert_to(:'verifier', 'UTF8')), 'hex') AS given \gset
SELECT format('ALTER ROLE %I PASSWORD %L', :'admin', :'verifier')
    FROM pg_roles WHERE rolname = :'admin' AND shobj_description(oid, 'pg_authid') IS DISTINCT FROM :'given' \gexec
SELECT format('COMMENT ON ROLE %I IS %L', :'admin', :'given') \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'owner')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
SQL
}

prepare() {
    initialise
    # What an upgrade left that was given up, or cut off at its very end.
    rm -rf "$volume/upgrade.unfinished" "$fresh.upgraded"
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

# The administrator's password of this rotation; before it is in force, that of the one before or the first.
accepted() {
    for password in "$now" "${ADMIN_BEFORE:-}" "${ADMIN_FIRST:-}"; do
        if [ -z "$password" ]; then continue; fi
        export PGPASSWORD="$password"
        if sql --no-password --command='SELECT 1' >/dev/null; then return 0; fi
    done
    return 1
}

administer() {
    await
    export PGCONNECT_TIMEOUT=3
    now="$PGPASSWORD"
    # An operator may set it later than the server answers; the Job's deadline ends a wait in vain.
    until accepted; do sleep 1; done
    functions
    if [ "$PGPASSWORD" != "$now" ]; then
        sql <<'SQL'
\getenv verifier ADMIN_VERIFIER
ALTER ROLE CURRENT_USER PASSWORD :'verifier';
SQL
        export PGPASSWORD="$now"
        echo "the administrator has another password"
    fi
    if [ "${ADMIN_BEFORE:-$now}" != "$now" ]; then end_sessions "$PGUSER"; fi
}

# Sessions of somebody who is not let in any more. One that was let in at the same moment is seen a second later.
end_sessions() {
    WHO="$1"
    export WHO
    quiet=0
    until [ "$quiet" -eq 2 ]; do
        ended="$(sql --no-align --tuples-only <<'SQL'
\getenv who WHO
SELECT feastflow.end_sessions(:'who');
SQL
)"
        if [ "$ended" -eq 0 ]; then quiet=$((quiet + 1)); else quiet=0; echo "$ended sessions of $1 ended"; fi
        [ "$quiet" -eq 2 ] || sleep 1
    done
}

functions() {
    found="$(sql --no-align --tuples-only --command="SELECT count(*) FROM pg_namespace WHERE nspname = 'feastflow'")"
    if [ "$found" -eq 1 ]; then return; fi
    cat >&2 <<'TEXT'
The database has no functions for its logins: CloudNativePG made it for a version of this program before them,
and only the superuser can add them. Once, in the stack's namespace, with the pod that leads as PRIMARY:
  kubectl get configmap -l component=roles -o jsonpath='{.items[-1:].data.roles\.sql}' |
    kubectl exec -i PRIMARY -c postgres -- psql --dbname=postgres --single-transaction
TEXT
    exit 1
}

grant() {
    administer
    sql <<'SQL'
\getenv login DB_LOGIN
\getenv verifier DB_VERIFIER
SELECT feastflow.open_login(:'login', :'verifier') \g /dev/null
SQL
    echo "login $DB_LOGIN of database $DB_NAME is ready"
}

retire() {
    administer
    sql <<'SQL'
\getenv login DB_LOGIN
SELECT feastflow.lock_login(:'login') \g /dev/null
SQL
    end_sessions "$DB_LOGIN"
    echo "login $DB_LOGIN is locked"
}

case "${1:-}" in
    prepare) prepare ;;
    serve) shift; serve "$@" ;;
    stop) kill -INT "$(head -n 1 "$PGDATA/postmaster.pid")" ;;
    ready) exec pg_isready --quiet --timeout=3 ;;
    alive) pg_isready --quiet --timeout=3 || [ $? -eq 1 ] ;;
    login) login ;;
    grant) grant ;;
    retire) retire ;;
    *) echo "usage: postgres.sh prepare|serve|stop|ready|alive|login|grant|retire" >&2; exit 2 ;;
esac
