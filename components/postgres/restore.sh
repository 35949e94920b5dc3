#!/bin/sh
# The data directory of a standalone server, begun from a backup; nothing is done where there is one already.
# What volume.sh, postgres.sh and backup.sh are told, the environment says, and besides:
#   RESTORE_FROM  the destination of the backups
#   RESTORE_AT    `latest`, a moment with its time zone, or a copy's id: the state in which that copy ended
# Further arguments are the server's own options. The directory appears whole, with the logins of before locked, or not
# at all: what is refused leaves the volume as it was.
set -eu

PATH="$PATH:/usr/lib/postgresql/15/bin"
here="$(dirname "$0")"
# shellcheck source=components/postgres/volume.sh
. "$here/volume.sh"
# What backup.sh reads, which gets the log for the server too.
STORE_DESTINATION="$RESTORE_FROM"
export STORE_DESTINATION
log="${TMPDIR:-/tmp}/restore.log"

sql() { psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres "$@"; }

# The copy that is read, and where the log is followed to.
choose() {
    case "$RESTORE_AT" in
        latest) copy=auto until="" ;;
        ????????T??????) copy="$RESTORE_AT" until="recovery_target=immediate" ;;
        *) copy=auto until="recovery_target_time=$RESTORE_AT" ;;
    esac
}

get() {
    chmod -R u+rwX "$unfinished" 2>/dev/null || :
    rm -rf "$unfinished"
    set --
    if [ "$copy" = auto ] && [ -n "$until" ]; then set -- --target-time "$RESTORE_AT"; fi
    if sh "$here/backup.sh" get "$copy" "$unfinished" "$@" && [ -s "$unfinished/PG_VERSION" ]; then return; fi
    refuse "$RESTORE_FROM has no copy from which $RESTORE_AT can be reached, or cannot be asked (see above)" \
        "the database would begin empty" \
        "make backups lists what there is; set feastflow:database.restore.at to \`latest\`, or to a moment after a copy's end"
}

same_version() {
    files="$(head -n 1 "$unfinished/PG_VERSION")"
    server="$(postgres --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')"
    if [ "$files" != "$server" ]; then
        refuse "the backup in $RESTORE_FROM is PostgreSQL $files's, and the image is PostgreSQL $server" \
            "files of one major version cannot be read by another" \
            "set feastflow:database.image to an image of PostgreSQL $files"
    fi
}

# The log is followed without clients, so a number of connections that is smaller than before stops nothing.
follow() {
    chmod 700 "$unfinished"
    rm -f "$unfinished/standby.signal" "$unfinished/postmaster.pid"
    : >"$unfinished/recovery.signal"
    set -- "$@" -c "archive_mode=off" -c "listen_addresses=" -c "hot_standby=off" -c "hba_file=$HBA_FILE" \
        -c "unix_socket_directories=$PGHOST" -c "restore_command=sh $here/backup.sh fetch %f %p" \
        -c "recovery_target_action=promote"
    if [ -n "$until" ]; then set -- "$@" -c "$until"; fi
    postgres -D "$unfinished" "$@" >"$log" 2>&1 &
    server=$!
    trap 'kill -INT "$server" 2>/dev/null || :; wait "$server" || :' EXIT
    until pg_isready --quiet --timeout=3; do
        if ! kill -0 "$server" 2>/dev/null; then ended; fi
        sleep 0.5
    done
}

ended() {
    trap - EXIT
    cat "$log" >&2
    refuse "the log in $RESTORE_FROM does not lead to $RESTORE_AT: $(grep FATAL "$log" | tail -n 1)" \
        "the database would be in another state than was asked for" \
        "set feastflow:database.restore.at to \`latest\`, or to a moment before the newest file of the log (make backups)"
}

# A name that is not there would be made, and the data stand beside it unseen.
same_names() {
    encoding="$(sql <<'SQL'
\getenv name DB_NAME
SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = :'name';
SQL
)"
    if [ -z "$encoding" ]; then
        there="$(sql --command="SELECT string_agg(datname, ', ') FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')")"
        refuse "the backup in $RESTORE_FROM has no database $DB_NAME, but ${there:-none}" \
            "an empty one would be made, and the data not be served" "set feastflow:database.name to the name there"
    fi
    if [ "$encoding" != UTF8 ]; then
        refuse "the database $DB_NAME of the backup is in $encoding" "clients are promised UTF8" \
            "dump it (pg_dump) from a server that has it, and load it into a stack"
    fi
    owner="$(sql <<'SQL'
\getenv name DB_NAME
SELECT rolname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba WHERE datname = :'name';
SQL
)"
    if [ "$owner" != "$DB_OWNER" ]; then
        refuse "the database $DB_NAME of the backup is owned by $owner" \
            "logins of another role could do nothing there" "set feastflow:database.user to $owner"
    fi
}

# Logins become this stack's: no password of before is let in.
lock() {
    sql <<'SQL'
\getenv admin ADMIN
\getenv owner DB_OWNER
SELECT format('ALTER ROLE %I NOLOGIN PASSWORD NULL', rolname) FROM pg_roles
    WHERE rolname IN (:'admin', :'owner', :'owner' || '_a', :'owner' || '_b', :'owner' || '_backup') \gexec
SELECT format('COMMENT ON ROLE %I IS NULL', rolname) FROM pg_roles WHERE rolname = :'admin' \gexec
SQL
}

stop() {
    trap - EXIT
    kill -INT "$server"
    wait "$server"
}

restore() {
    settle
    if [ -s "$PGDATA/PG_VERSION" ]; then
        echo "there is a data directory, and nothing is restored"
        return
    fi
    # Where nothing is to be kept: volume.sh knows it by this beginning.
    unfinished="$fresh.restored"
    elsewhere
    choose
    get
    same_version
    follow "$@"
    same_names
    lock
    stop
    sync
    mv "$unfinished" "$PGDATA"
    sync
    echo "restored from $RESTORE_FROM at $RESTORE_AT: $(grep 'last completed transaction' "$log" | tail -n 1)"
}

restore "$@"
