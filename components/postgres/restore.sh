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
FETCHED="${TMPDIR:-/tmp}/restore.fetched"
export FETCHED
ANOTHER="make backups lists the copies: set feastflow:database.restore.at to another one's id, or to a moment before it"
# Files of the log are looked for behind one that is missing: a server sends them one after the other.
BEHIND=4

sql() { psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres "$@"; }

# The copy that is read, and where the log is followed to.
choose() {
    case "$RESTORE_AT" in
        latest) copy="$(ended_before "")" until="" ;;
        ????????T??????) copy="$RESTORE_AT" until="recovery_target=immediate" ;;
        *) copy="$(ended_before "$(date --date="$RESTORE_AT" +%s)")" until="recovery_target_time=$RESTORE_AT" ;;
    esac
}

# The newest copy that was ended before these seconds; barman-cloud's own `auto` also takes one that failed.
ended_before() {
    newest=""
    sh "$here/backup.sh" list >"$log.list" || :
    grep -o '"status": "[A-Z_]*"\|"backup_id": "[0-9T]*"\|"end_time_iso": "[^"]*"' "$log.list" |
        awk -F '"' '$2 == "status" { done = $4 == "DONE" } $2 == "backup_id" { id = $4 }
            $2 == "end_time_iso" && done { print id, $4 }' | sort >"$log.ended"
    while read -r id ended; do
        if [ -z "$1" ] || [ "$(date --date="$ended" +%s)" -lt "$1" ]; then newest="$id"; fi
    done <"$log.ended"
    echo "$newest"
}

get() {
    chmod -R u+rwX "$unfinished" 2>/dev/null || :
    rm -rf "$unfinished"
    : >"$FETCHED"
    if [ -n "$copy" ] && sh "$here/backup.sh" get "$copy" "$unfinished" && [ -s "$unfinished/PG_VERSION" ]; then
        whole_copy
        return
    fi
    refuse "$RESTORE_FROM has no copy from which $RESTORE_AT can be reached, or cannot be asked (see above)" \
        "the database would begin empty" \
        "make backups lists what there is; set feastflow:database.restore.at to \`latest\`, or to a moment after a copy's end"
}

# Without the label PostgreSQL would begin in the middle of the copy, and with pages of two moments.
whole_copy() {
    for part in backup_label global/pg_control; do
        if [ ! -s "$unfinished/$part" ]; then
            refuse "the copy in $RESTORE_FROM is not whole: $part is missing or empty" \
                "the database would be in no state that it ever had" "$ANOTHER"
        fi
    done
}

same_version() {
    files="$(version_of "$unfinished")"
    server="$(programs_version)"
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

# PostgreSQL also stops, and says nothing, where a file is damaged, another server's, or missing before others.
# Names without their timeline count: of each file every timeline is asked. The server may run and send meanwhile,
# one file after the other: what is there now, and was not before, is no hole.
to_its_end() {
    if [ -n "$until" ]; then return; fi
    found="$(last found)" missing="$(last missing)"
    if [ "$(printf '%s\n%s\n' "$missing" "$found" | LC_ALL=C sort | tail -n 1)" = "$found" ]; then
        broken "$found cannot be followed to its end: it is damaged, or of another server"
    fi
    number="$missing"
    for _ in $(seq "$BEHIND"); do
        number="$(after "$number")"
        for timeline in $(awk -v name="$missing" '$1 == "missing" && substr($2, 9) == name { print substr($2, 1, 8) }' "$FETCHED" | sort -u); do
            if [ "$(asked "$timeline$number")" -eq 0 ] && [ "$(asked "$timeline$missing")" -eq 1 ]; then
                broken "$missing is missing, and $number after it is there"
            fi
        done
    done
    rm -f "$unfinished.looked"
}

# How backup.sh ends that fetches this file: 1 where the store has it not.
asked() {
    code=0
    FETCHED="" sh "$here/backup.sh" fetch "$1" "$unfinished.looked" >/dev/null 2>&1 || code=$?
    echo "$code"
}

# The highest file of the log that was found, or was missing; histories of timelines are not part of it.
last() { awk -v what="$1" '$1 == what && $2 ~ /^[0-9A-F]+$/ && length($2) == 24 { print substr($2, 9) }' "$FETCHED" | LC_ALL=C sort | tail -n 1; }

# As PostgreSQL names them, at its usual 16 MiB: 256 files of each 4 GiB.
after() {
    high=$((0x${1%????????})) low=$((0x${1#????????} + 1))
    printf '%08X%08X' $((high + low / 256)) $((low % 256))
}

broken() {
    rm -f "$unfinished.looked"
    refuse "the log in $RESTORE_FROM has a hole: $1" "what was written after it would be lost without a word" \
        "set feastflow:database.restore.at to a moment before it: $(grep 'last completed transaction' "$log" | tail -n 1 | sed 's/.*log time/the last one is/')"
}

# A bit that turned in the store is noticed by nothing that unpacks a copy.
verify() {
    if ! pg_checksums --check --pgdata="$unfinished" >"$log.sums" 2>&1; then
        if grep -q 'not enabled' "$log.sums"; then return; fi
        cat "$log.sums" >&2
        refuse "the copy in $RESTORE_FROM is damaged: $(grep -m 1 -i 'checksum\|error' "$log.sums")" \
            "pages of it are not what was written" "$ANOTHER"
    fi
}

# A name that is not there would be made, and the data stand beside it unseen.
same_names() {
    encoding="$(sql <<'SQL'
\getenv name DB_NAME
SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = :'name';
SQL
)" || unreadable
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
)" || unreadable
    if [ "$owner" != "$DB_OWNER" ]; then
        refuse "the database $DB_NAME of the backup is owned by $owner" \
            "logins of another role could do nothing there" "set feastflow:database.user to $owner"
    fi
}

unreadable() {
    refuse "the copy in $RESTORE_FROM is damaged: the database restored from it cannot be asked (see above)" \
        "pages of it are not what was written" "$ANOTHER"
}

# Logins become this stack's: no password of before is let in.
lock() {
    sql <<'SQL' || unreadable
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
    to_its_end
    same_names
    lock
    stop
    verify
    sync
    mv "$unfinished" "$PGDATA"
    sync
    echo "restored from $RESTORE_FROM at $RESTORE_AT: $(grep 'last completed transaction' "$log" | tail -n 1)"
}

restore "$@"
