#!/bin/sh
# An import into the stack's database, in a pod that has its path and its login: PGHOST and its like.
#   take    import the dump on standard input, plain or by gzip
#   fetch   import what pg_dump reads of another server: FROM_HOST, FROM_PORT, FROM_USER, FROM_DATABASE, FROM_PASSWORD, FROM_SSLMODE
#   wait    wait for `take` in the same pod, until it has ended
#   same    whether the dump was whole, and the tables have its rows (for import.sql)
#   told    say what was imported (for import.sql)
set -eu

PATH="$PATH:/usr/lib/postgresql/15/bin"
SCRIPTS="$(dirname "$0")"
FOLDER="${FOLDER:-/tmp/import}"
REPLACED="${REPLACED:-}"
export PATH SCRIPTS FOLDER REPLACED PGCONNECT_TIMEOUT=10

sql() { psql --no-psqlrc --no-password --quiet "$@"; }

fail() { printf '%s\n' "$@" >&2; exit 1; }

# A login that is let in from this pod: a policy may be in force some seconds after the pod has begun.
reach() {
    left=60
    until said="$(sql --command='SELECT 1' 2>&1 >/dev/null)"; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || fail "the stack's database cannot be reached: $said"
        sleep 1
    done
}

major() { echo $(($(sql --no-align --tuples-only --command='SHOW server_version_num') / 10000)); }

whole_or_nothing() {
    newest="$(major)"
    LC_ALL=C awk -v FOUND="$FOLDER/there" -v WHOLE="$FOLDER/whole" -v NEWEST="$newest" -f "$SCRIPTS/import.awk" |
        sql --file="$SCRIPTS/import.sql" || echo "The import failed." >&2
    if [ -e "$FOLDER/done" ]; then return; fi
    echo "Nothing was imported: the database is as it was." >&2
    # kubectl waits half a minute for a stream that is not read to its end.
    if [ -e "$FOLDER.taking" ]; then timeout 20 cat >/dev/null 2>&1 || :; fi
    exit 1
}

prepare() {
    rm -rf "$FOLDER"
    mkdir -p "$FOLDER"
    : > "$FOLDER/there"
    reach
}

take() {
    trap 'rm -f "$FOLDER.taking"' EXIT
    : > "$FOLDER.taking"
    prepare
    # A compressed dump begins with two bytes that no text has.
    head -c 2 > "$FOLDER/first"
    if [ "$(od -An -tx1 "$FOLDER/first" | tr -d ' ')" = 1f8b ]; then
        cat "$FOLDER/first" - | gzip -dc | whole_or_nothing
    else
        cat "$FOLDER/first" - | whole_or_nothing
    fi
}

from() {
    env PGHOST="$FROM_HOST" PGPORT="$FROM_PORT" PGUSER="$FROM_USER" PGDATABASE="$FROM_DATABASE" \
        PGPASSWORD="${FROM_PASSWORD:-}" PGSSLMODE="${FROM_SSLMODE:-prefer}" PGSSLROOTCERT="${FROM_SSLROOTCERT:-}" "$@"
}

fetch() {
    prepare
    left=30
    until said="$(from psql --no-psqlrc --no-password --quiet --no-align --tuples-only \
        --command='SHOW server_version_num' 2>&1)"; do
        left=$((left - 1))
        case "$said" in
            *'does not support SSL'*)
                fail "The server to import from takes no TLS: $said" "Nothing was changed." \
                    "  next: have it take TLS, or let everybody on the way read the rows: ?sslmode=disable" ;;
            *'authentication failed'* | *'does not exist'* | *'no password supplied'*) left=0 ;;
        esac
        [ "$left" -gt 0 ] || fail "The server to import from cannot be asked: $said" "Nothing was changed."
        sleep 1
    done
    if [ $((said / 10000)) -gt "$(major)" ]; then
        fail "The server to import from is PostgreSQL $((said / 10000)), and the stack's database $(major)." \
            "  why it matters: an older server does not know all that a newer one's dump says" \
            "  next: have a server of $((said / 10000)) or later: database.image"
    fi
    from pg_dump --no-password --format=plain --no-owner --no-privileges --no-publications --no-subscriptions |
        whole_or_nothing
}

same() {
    if [ ! -e "$FOLDER/whole" ]; then
        echo "The dump ends before its end: its last line is missing." >&2
        echo false
        return
    fi
    # A table without rows has none in the dump either.
    sed '/|0$/d' "$FOLDER/there" | sort > "$FOLDER/there.sorted"
    sed '/|0$/d' "$FOLDER/here" | sort > "$FOLDER/here.sorted"
    if diff "$FOLDER/there.sorted" "$FOLDER/here.sorted" >&2; then
        echo true
    else
        echo "The tables do not have the rows of the dump (<: in the dump, >: here)." >&2
        echo false
    fi
}

told() {
    : > "$FOLDER/done"
    echo "imported, and compared with the dump table by table:"
    sort "$FOLDER/here" | sed 's/|/: /; s/$/ rows/; s/^/  /'
}

# A stream that ended early has ended `take`, too; then nobody needs this pod any more.
wait_for() {
    # PID 1 ignores what it does not handle.
    trap 'exit 143' TERM
    idle=0
    until [ -e "$FOLDER/done" ]; do
        if [ -e "$FOLDER.taking" ]; then idle=0; else idle=$((idle + 1)); fi
        [ "$idle" -le 60 ] || fail "No import came in a minute."
        sleep 1 & wait $!
    done
}

case "${1:-}" in
    take) take ;;
    fetch) fetch ;;
    wait) wait_for ;;
    same) same ;;
    told) told ;;
    *) echo "usage: import.sh take|fetch|wait|same|told" >&2; exit 2 ;;
esac
