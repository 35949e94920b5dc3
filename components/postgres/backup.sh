#!/bin/sh
# Backups of a standalone server, by barman-cloud: https://docs.pgbarman.org/release/3.19.1/user_guide/barman_cloud.html
# Where the store is, and what it is asked, the environment says: STORE_DESTINATION, STORE_HOW, STORE_SENT, and in the
# folder STORE_FILES, where there is one, the files `id` and `secret`. They are read for each call.
# On the server's side, where PGDATA says what is served:
#   archive  send one file of the log: PostgreSQL's archive_command
#   fetch    get one file of the log: PostgreSQL's restore_command
#   drain    before a start on a volume that is full of the log: send and delete of it until there is room
#   get      get a copy of the whole by its id into a folder
# In a pod that sees the data and may not write it:
#   open     let the login of the backups in, as the administrator
#   copy     copy the whole, then delete what RETENTION no longer keeps
#   list     print what is there, as JSON
set -eu

PATH="$PATH:/usr/lib/postgresql/15/bin"
# One server to a destination, so that nothing but the destination must be known to restore.
SERVER=postgres
# Less than the pod's grace period: a fast shutdown waits for the file that is being sent.
SECONDS_TO_SEND=45
# MiB: below the first a server that starts fails; the second is room for what its recovery writes.
NONE=16
ENOUGH=64

refuse() {
    printf 'error:     %s\n  matters: %s\n  do this: %s\n' "$1" "$2" "$3" >&2
    exit 1
}

# Credentials are no arguments, which every user of the node can read, and no part of the server's environment.
identify() {
    if ! command -v barman-cloud-wal-archive >/dev/null; then
        refuse "the image has no barman-cloud" "backups are written and read by it" \
            "set feastflow:database.image to one that has it: docs/backups.md names some"
    fi
    if [ -z "${STORE_FILES:-}" ]; then return; fi
    AWS_ACCESS_KEY_ID="$(cat "$STORE_FILES/id")"
    AWS_SECRET_ACCESS_KEY="$(cat "$STORE_FILES/secret")"
    export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
}

# Once for each destination: the log of another server there, or of this one before a restore, would be mixed with it.
unused() {
    known="${PGDATA%/*}/archived-to"
    if [ "$(cat "$known" 2>/dev/null)" = "$STORE_DESTINATION" ]; then return; fi
    # shellcheck disable=SC2086 # STORE_HOW is several words
    if ! barman-cloud-check-wal-archive $STORE_HOW "$STORE_DESTINATION" "$SERVER"; then
        refuse "$STORE_DESTINATION cannot be asked, or holds the log of another server (see above)" \
            "this one's log stays on its volume until it can be sent" \
            "look at the store and its credentials; or set feastflow:database.backup.destination to a path that is not used"
    fi
    echo "$STORE_DESTINATION" >"$known"
}

archive() {
    identify
    unused
    send "$1"
}

send() {
    # shellcheck disable=SC2086
    timeout "$SECONDS_TO_SEND" barman-cloud-wal-archive $STORE_HOW $STORE_SENT "$STORE_DESTINATION" "$SERVER" "$1"
}

# A log that waited for its store until the volume was full keeps the server from starting, which would send it. What
# comes before the last checkpoint no recovery reads: the server deletes it, when it runs and it has been sent.
drain() {
    if [ "$(room)" -ge "$ENOUGH" ] || [ -n "$(ls "$PGDATA/pg_replslot" 2>/dev/null)" ]; then return; fi
    needed="$(LC_ALL=C pg_controldata "$PGDATA" | sed -n "s/^Latest checkpoint's REDO WAL file: *//p")"
    # In the order in which they were written, as their names are.
    for waiting in "$PGDATA"/pg_wal/archive_status/*.ready; do
        name="$(basename "$waiting" .ready)"
        case "$name" in *[!0-9A-F]*) continue ;; esac
        if [ "$(room)" -ge "$ENOUGH" ] || ! before "$name" "$needed"; then return; fi
        until (identify && unused && send "$PGDATA/pg_wal/$name"); do
            if [ "$(room)" -ge "$NONE" ]; then return; fi
            echo "the volume is full of the log, which waits for $STORE_DESTINATION: the server starts when it can be sent" >&2
            sleep 5
        done
        # In this order: what is deleted has been sent, whatever ends this.
        mv "$waiting" "${waiting%.ready}.done"
        rm -f "$PGDATA/pg_wal/$name"
        echo "sent and deleted $name: the volume was full"
    done
}

# MiB that are left on the volume.
room() { df -P -k "$PGDATA" | awk 'NR == 2 { print int($4 / 1024) }'; }

before() { [ "$1" != "$2" ] && [ "$(printf '%s\n%s\n' "$1" "$2" | LC_ALL=C sort | head -n 1)" = "$1" ]; }

# PostgreSQL takes a failure for the end of the log, and begins to serve; of an exit code above 125 it ends instead.
# Only a file that the store does not have is an end. FETCHED, where it is set, is told of both.
fetch() {
    identify
    for pause in 1 3 0; do
        code=0
        # shellcheck disable=SC2086
        barman-cloud-wal-restore $STORE_HOW "$STORE_DESTINATION" "$SERVER" "$1" "$2" || code=$?
        case "$code" in
            0) note found "$1"; return ;;
            1) note missing "$1"; exit 1 ;;
        esac
        sleep "$pause"
    done
    echo "$1 is in $STORE_DESTINATION and cannot be read, or the store cannot be asked" >&2
    exit 200
}

note() { if [ -n "${FETCHED:-}" ]; then echo "$1 $2" >>"$FETCHED"; fi; }

get() {
    identify
    # shellcheck disable=SC2086
    exec barman-cloud-restore $STORE_HOW "$STORE_DESTINATION" "$SERVER" "$1" "$2"
}

# Network policies and a server that starts may take a while; the Job's deadline ends a wait in vain.
await() { until pg_isready --quiet --timeout=3; do sleep 0.5; done; }

open() {
    await
    psql --no-psqlrc --quiet --no-password --set=ON_ERROR_STOP=1 <<'SQL'
\getenv verifier BACKUP_VERIFIER
SELECT feastflow.open_backup(:'verifier') \g /dev/null
SQL
}

copy() {
    identify
    await
    # shellcheck disable=SC2086
    barman-cloud-backup $STORE_HOW $STORE_SENT $COPIED --host "$PGHOST" --port "$PGPORT" --user "$PGUSER" \
        --dbname "$PGDATABASE" "$STORE_DESTINATION" "$SERVER"
    # shellcheck disable=SC2086
    barman-cloud-backup-delete $STORE_HOW --retention-policy "$RETENTION" --minimum-redundancy 1 \
        "$STORE_DESTINATION" "$SERVER"
    echo "the database is in $STORE_DESTINATION"
}

list() {
    identify
    # shellcheck disable=SC2086
    exec barman-cloud-backup-list $STORE_HOW --format json "$STORE_DESTINATION" "$SERVER"
}

case "${1:-}" in
    archive) archive "$2" ;;
    fetch) fetch "$2" "$3" ;;
    drain) drain ;;
    get) get "$2" "$3" ;;
    open) open ;;
    copy) copy ;;
    list) list ;;
    *) echo "usage: backup.sh archive FILE|fetch NAME FILE|drain|get ID FOLDER|open|copy|list" >&2; exit 2 ;;
esac
