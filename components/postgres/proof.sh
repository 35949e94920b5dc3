#!/bin/sh
# A proof that a backup can be restored: the newest one, with the log after it, on a volume that ends with its pod.
# No other server is spoken to, and nothing is written to the store. Besides what restore.sh is told:
#   COPY_HOURS  the age of the newest copy from which on the proof fails
#   TOLD        the file that is told the result: one line of JSON
# With HOLD_SECONDS it is no proof: the server stays so long for readers on its socket, and the rows of each table are
# in /tmp/rows.json. What takes long and is the proof's alone is left out.
set -eu

PATH="$PATH:/usr/lib/postgresql/15/bin"
here="$(dirname "$0")"
began="$(date +%s)"
files="${TMPDIR:-/tmp}"
log="$files/restore.log"
# What the server was configured by is not looked at: its paths and libraries may be of another image.
HBA_FILE="$files/pg_hba.conf"
export HBA_FILE
TOLD="${TOLD:-/dev/termination-log}"
HOLD_SECONDS="${HOLD_SECONDS:-0}"

refuse() {
    printf 'error:     %s\n  matters: %s\n  do this: %s\n' "$1" "$2" "$3" >&2
    exit 1
}

sql() { psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 --username=postgres "$@"; }

# A policy may be in force some seconds after the pod has begun. What else is wrong with the store, restore.sh says.
reach() {
    left=20
    until STORE_DESTINATION="$RESTORE_FROM" sh "$here/backup.sh" list >/dev/null 2>"$files/reached"; do
        left=$((left - 1))
        if [ "$left" -eq 0 ] || ! grep -qiE 'could not connect|connect timeout' "$files/reached"; then return; fi
        sleep 1
    done
}

restored() {
    reach
    echo "local all all trust" >"$HBA_FILE"
    : >"$files/postgresql.conf"
    # What is lost with the pod need not reach a disk.
    set -- -c "config_file=$files/postgresql.conf" -c "fsync=off" -c "shared_buffers=64MB" -c "max_connections=20"
    sh "$here/restore.sh" "$@"
    postgres -D "$PGDATA" "$@" -c "listen_addresses=" -c "archive_mode=off" -c "hba_file=$HBA_FILE" \
        -c "unix_socket_directories=$PGHOST" >"$files/proof.log" 2>&1 &
    server=$!
    trap 'kill -INT "$server" 2>/dev/null || :; wait "$server" || :' EXIT
    until pg_isready --quiet --timeout=3; do
        if ! kill -0 "$server" 2>/dev/null; then
            cat "$files/proof.log" >&2
            refuse "the restored database does not start" "this backup is of no use" "look at the lines above"
        fi
        sleep 0.5
    done
}

# Tables and indexes as amcheck reads them: https://www.postgresql.org/docs/current/app-pgamcheck.html
structures() {
    checked=""
    if [ "$HOLD_SECONDS" -gt 0 ]; then return; fi
    checked=checksums
    if ! grep -q 'Checksum operation completed' "$log.sums"; then checked=""; fi
    there="$(sql --dbname="$DB_NAME" --command="SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'")"
    if [ "$there" -eq 0 ] || ! command -v pg_amcheck >/dev/null; then return; fi
    if ! pg_amcheck --username=postgres --database="$DB_NAME" --install-missing --heapallindexed; then
        refuse "tables or indexes of the restored database are damaged (see above)" \
            "they would be so after a restore, and may be so in the database that runs" \
            "run pg_amcheck --heapallindexed on the database that runs; where it is whole, make a new copy"
    fi
    checked="${checked:+$checked }amcheck"
}

counted() { sql --dbname="$DB_NAME" --file="$here/counted.sql"; }

# In words of `date`, of the copy and of the newest transaction; the copy's own where none came after it.
moments() {
    label="$PGDATA/backup_label.old"
    copied="$(sed -n 's/^START TIME: //p' "$label")"
    newest="$(sed -n 's/.*last completed transaction was at log time //p' "$log" | tail -n 1)"
    copied="$(date --utc --date="$copied" +%s)"
    newest="$(date --utc --date="${newest:-@$copied}" +%s)"
    if [ "$HOLD_SECONDS" -eq 0 ] && [ $((began - copied)) -gt $((COPY_HOURS * 3600)) ]; then
        refuse "the newest copy is $(((began - copied) / 3600)) hours old, and $COPY_HOURS are the most" \
            "backups are not made any more, and the log to follow grows" \
            "look at what makes them: make backups lists the copies, and kubectl get jobs,backups who failed"
    fi
}

utc() { date --utc --date="@$1" +%Y-%m-%dT%H:%M:%SZ; }

# PID 1 ignores what it does not handle.
hold() {
    trap 'exit 143' TERM
    left="$HOLD_SECONDS"
    while [ "$left" -gt 0 ]; do
        left=$((left - 1))
        sleep 1 &
        wait $!
    done
}

proof() {
    restored
    structures
    moments
    rows="$(counted)"
    tables="${rows%|*|*}" total="${rows##*|}" number="${rows#"$tables"|}"
    # What a pod may say of its end is 4 KiB: each table stands in the log alone.
    echo "rows of each table: $tables"
    if [ "$HOLD_SECONDS" -gt 0 ]; then printf '%s' "$tables" >"$files/rows.json"; fi
    printf '{"copy": "%s", "newest": "%s", "ended": "%s", "seconds": %d, "checked": "%s", "tables": %d, "rows": %d}\n' \
        "$(utc "$copied")" "$(utc "$newest")" "$(utc "$(date +%s)")" $(($(date +%s) - began)) "$checked" \
        "${number%|*}" "$total" | tee "$TOLD"
}

proof
hold
