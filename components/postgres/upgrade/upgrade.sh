#!/bin/sh
# The data of an older major version, brought into this one by a dump and a load; nothing is done where there is none such.
#   offer  in the new image: write down what its server offers
#   dump   in the old image: refuse what could not be carried over, then write down all that there is
#   load   in the new image: load it into a data directory beside, compare, and put that in the old one's place
#   send   send one file of the old server's log to where it went before
# What volume.sh and postgres.sh are told, the environment says, and besides DUMP_MAJOR: the old image's version, for its
# programs. Further arguments are the server's own options. Each can be cut off at any moment and run once more. The data
# directory of before is never written to but by its own server, and is kept: PGDATA with its version behind it.
set -eu

PATH="$PATH${DUMP_MAJOR:+:/usr/lib/postgresql/$DUMP_MAJOR/bin}:/usr/lib/postgresql/15/bin"
here="$(dirname "$0")"
# shellcheck source=components/postgres/volume.sh
. "$here/volume.sh"
log="${TMPDIR:-/tmp}/upgrade.log"
umask 077
# For the log of the new server, temporary files of indexes, and what a dump is larger than expected.
SPARE_MIB=512
# Seconds for what the archive command has not sent yet.
SENT_SECONDS=600
# What a database or a role sets for its clients would end these.
PGOPTIONS="-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c default_transaction_read_only=off"
export PGOPTIONS

sql() { psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 --username=postgres "$@"; }

# By the environment: as an argument a name with a `=` in it would be read as more than a name.
in_database() (
    PGDATABASE="$1"
    export PGDATABASE
    shift
    "$@"
)

# Every database of the list, by its number there and its name.
each_database() {
    while IFS='|' read -r number name <&3; do "$@" "$number" "$name" || return 1; done 3<"$work/databases"
}

begin() {
    locate
    work="$volume/upgrade.unfinished"
    upgraded="$fresh.upgraded"
}

# No client is let in but on the socket of this pod, as the server's own user.
start() {
    directory="$1"
    shift
    # Without workers: an extension's might write meanwhile.
    postgres -D "$directory" "$@" -c "listen_addresses=" -c "hba_file=$HBA_FILE" -c "unix_socket_directories=$PGHOST" \
        -c "max_worker_processes=0" -c "max_logical_replication_workers=0" \
        >"$log" 2>&1 &
    server=$!
    trap 'stop_server' EXIT
    until pg_isready --quiet --timeout=3; do
        if ! kill -0 "$server" 2>/dev/null; then
            trap - EXIT
            cat "$log" >&2
            return 1
        fi
        sleep 0.2
    done
}

stop_server() { kill -INT "$server" 2>/dev/null || :; wait "$server" || :; }

stop() {
    trap - EXIT
    kill -INT "$server"
    wait "$server"
}

make_empty() {
    chmod -R u+rwX "$upgraded" 2>/dev/null || :
    rm -rf "$upgraded"
    initdb --pgdata="$upgraded" --username=postgres --encoding=UTF8 --locale=C.UTF-8 --data-checksums --no-sync \
        --auth-local=peer --auth-host=reject >/dev/null
}

# A load that is cut off is begun again, so nothing of it has to reach the disk before its end.
start_empty() {
    start "$upgraded" "$@" -c "archive_mode=off" -c "wal_level=minimal" -c "max_wal_senders=0" -c "fsync=off" \
        -c "full_page_writes=off" -c "autovacuum=off" -c "max_wal_size=256MB"
}

offer() {
    begin
    if ! older; then
        rm -rf "$work"
        return
    fi
    unkept "$(version_of "$PGDATA")"
    own
    mkdir -p "$work"
    rm -f "$work/offers"
    make_empty
    if ! start_empty "$@"; then
        refuse "the new image's server does not start (see above)" "nothing could be loaded into it" \
            "set feastflow:database.image to an image whose server starts"
    fi
    {
        echo "server|$(programs_version)"
        sql --dbname=postgres --file="$here/upgrade-offers.sql"
    } >"$work/offers.unfinished"
    stop
    rm -rf "$upgraded"
    mv "$work/offers.unfinished" "$work/offers"
    echo "the data is PostgreSQL $(version_of "$PGDATA")'s and becomes $(programs_version)'s: clients wait from now on"
}

stays() {
    refuse "$1" "$2" "$3; for that, let the server of before run again: feastflow:database.image, without upgradeFrom"
}

# What no dump holds.
carried() {
    found="$(sql --dbname=postgres --command="SELECT string_agg(gid, ', ') FROM pg_prepared_xacts")"
    if [ -n "$found" ]; then
        stays "there are prepared transactions: $found" "a dump does not hold them, and what they changed would be lost" \
            "commit them or roll them back (COMMIT PREPARED, ROLLBACK PREPARED)"
    fi
    found="$(sql --dbname=postgres --command="SELECT string_agg(slot_name, ', ') FROM pg_replication_slots WHERE NOT temporary")"
    if [ -n "$found" ]; then
        stays "there are replication slots: $found" "whoever reads from them would miss what is written afterwards, unnoticed" \
            "let the readers end, and drop the slots (pg_drop_replication_slot); they begin again after the upgrade"
    fi
    found="$(sql --dbname=postgres --command="SELECT string_agg(subname, ', ') FROM pg_subscription")"
    if [ -n "$found" ]; then
        stays "there are subscriptions: $found" "they would not go on where they were" \
            "drop them (DROP SUBSCRIPTION), and create them after the upgrade"
    fi
    found="$(sql --dbname=postgres --command="SELECT string_agg(spcname, ', ') FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')")"
    if [ -n "$found" ]; then
        stays "there are tablespaces: $found" "their folders hold the old server's files, and lie outside the data directory" \
            "move what is in them to pg_default (ALTER TABLE … SET TABLESPACE), and drop them"
    fi
    found="$(sql --dbname=postgres --command="SELECT string_agg(datname, ', ') FROM pg_database WHERE NOT datallowconn AND datname <> 'template0'")"
    if [ -n "$found" ]; then
        stays "there are databases that take no connections: $found" "they cannot be dumped, and would be lost" \
            "open them (ALTER DATABASE … ALLOW_CONNECTIONS true), or drop them"
    fi
}

needs_of() { in_database "$2" sql --file="$here/upgrade-needs.sql" >>"$work/needs"; }

# What the data needs of the new image: extensions, and locales of databases and collations.
suits() {
    lacking="$(LC_ALL=C awk -F '|' -f "$here/upgrade-lacks.awk" "$work/offers" "$work/needs")"
    if [ -n "$lacking" ]; then
        stays "the image of feastflow:database.image lacks what the data needs: $lacking" \
            "tables would miss types and functions, or be sorted by no rule" \
            "set feastflow:database.image to an image that has it; or do without it (DROP EXTENSION, COLLATE \"C\")"
    fi
}

mebibytes() { du -sm "$@" | awk '{ sum += $1 } END { print sum }'; }

# A dump that is compressed and without indexes takes less than the data; the new directory as much as the old one.
room() {
    data="$(mebibytes "$PGDATA/base" "$PGDATA/global")"
    free="$(df -Pm "$volume" | awk 'NR == 2 { print $4 }')"
    needed=$((2 * data + SPARE_MIB))
    if [ "$free" -lt "$needed" ]; then
        size="$(df -Pm "$volume" | awk 'NR == 2 { print $2 }')"
        stays "the volume has $free MiB free, and the upgrade needs $needed MiB: a dump and a second copy of the data" \
            "a full volume would stop it halfway" \
            "set feastflow:database.storage to $(((size + needed - free + 1023) / 1024))Gi or more, where the class can expand its volumes"
    fi
}

# The way back by a backup ends where this server's log ends: there is a whole copy, and the store has all of the log.
backed_up() {
    if [ ! -s "$volume/archived-to" ] || [ -z "${STORE_DESTINATION:-}" ]; then return; fi
    before="$(cat "$volume/archived-to")"
    if [ "$before" = "$STORE_DESTINATION" ]; then
        stays "the backups would go on in $before" \
            "the upgraded server writes a log of its own, and no restore could tell the two apart" \
            "set feastflow:database.backup.destination to a path that is not used"
    fi
    if ! STORE_DESTINATION="$before" sh "$here/backup.sh" list >"$log.list" || ! grep -q '"status": "DONE"' "$log.list"; then
        stays "$before has no whole copy of this database, or cannot be asked" \
            "there would be no way back by a backup" "look at the store, and have a copy made: make backups lists them"
    fi
    last="$(sql --dbname=postgres --command="SELECT pg_walfile_name(pg_switch_wal() - 1)")"
    left="$SENT_SECONDS"
    until [ "$(sql --dbname=postgres --set=last="$last" <<'SQL'
SELECT coalesce(last_archived_wal, '') >= :'last' FROM pg_stat_archiver;
SQL
)" = t ]; do
        left=$((left - 1))
        if [ "$left" -eq 0 ]; then
            cat "$log" >&2
            stays "the last of the log cannot be sent to $before (see above)" \
                "a restore would end before the upgrade, and lose what came between" "look at the store and its credentials"
        fi
        sleep 1
    done
    echo "$before has a copy of the whole and all of the log: the data as it is can be restored from there"
}

send() {
    STORE_DESTINATION="$(cat "${PGDATA%/*}/archived-to")"
    export STORE_DESTINATION
    exec sh "$here/backup.sh" archive "$1"
}

# A server that has run since has written this file.
state() { cksum <"$PGDATA/global/pg_control"; }

counted_of() {
    in_database "$2" sql --file="$here/upgrade-database.sql" >"$work/facts.one" || return 1
    DATABASE="$2" awk '{ print ENVIRON["DATABASE"] ": " $0 }' "$work/facts.one" >>"$work/$FACTS"
}

counted() {
    FACTS="$1"
    if sql --dbname=template1 --file="$here/upgrade-server.sql" >"$work/$FACTS" && each_database counted_of; then return; fi
    refuse "the data cannot be counted (see above)" "whether all of it is carried over could not be told" \
        "set feastflow:database.image to the image that it was, without upgradeFrom, and repair what is named there"
}

dump_of() {
    echo "dumping the database $2"
    in_database "$2" pg_dump --username=postgres --format=custom --compress=1 --file="$work/dumps/$1"
}

dump() {
    begin
    if [ ! -s "$work/offers" ]; then return; fi
    files="$(version_of "$PGDATA")"
    if [ "$files" != "$(programs_version)" ]; then
        refuse "the data in $PGDATA is PostgreSQL $files's, and the image of feastflow:database.upgradeFrom is PostgreSQL $(programs_version)" \
            "only a server of its own version can read it" "set feastflow:database.upgradeFrom to an image of PostgreSQL $files"
    fi
    settle
    if [ "$(cat "$work/whole" 2>/dev/null)" = "$(state)" ]; then
        suits
        return
    fi
    rm -rf "$upgraded" "$work/whole" "$work/dumps"
    if [ -s "$volume/archived-to" ] && [ -n "${STORE_DESTINATION:-}" ]; then
        set -- "$@" -c "archive_mode=on" -c "archive_command=sh $here/upgrade.sh send %p"
    else
        set -- "$@" -c "archive_mode=off"
    fi
    if ! start "$PGDATA" "$@"; then
        refuse "the old server does not start on its data (see above)" "only it can read the data" \
            "set feastflow:database.image to the image that it was, without upgradeFrom, and look at why"
    fi
    sql --dbname=template1 --command="SELECT oid, datname FROM pg_database WHERE datallowconn ORDER BY datname" >"$work/databases"
    : >"$work/needs"
    carried
    each_database needs_of || refuse "the databases cannot be asked (see above)" "what they need could not be told" \
        "set feastflow:database.image to the image that it was, without upgradeFrom, and repair what is named there"
    suits
    room
    backed_up
    mkdir "$work/dumps"
    pg_dumpall --username=postgres --globals-only >"$work/dumps/roles.sql"
    each_database dump_of || refuse "the data cannot be dumped (see above)" "it could not be loaded" \
        "set feastflow:database.image to the image that it was, without upgradeFrom, and repair what is named there"
    counted facts
    stop
    sync
    state >"$work/whole.unfinished"
    mv "$work/whole.unfinished" "$work/whole"
}

not_loaded() {
    refuse "$1" "the data would not be what it was; it is as before, and nothing of it was changed" \
        "set feastflow:database.image to the image that it was, without upgradeFrom; change what is named there, and try again"
}

# Until 15 a membership names who granted it, though that role may not any more:
# https://www.postgresql.org/docs/16/release-16.html
roles() {
    if [ "$(version_of "$PGDATA")" -ge 16 ]; then cat "$work/dumps/roles.sql"; return; fi
    sed '/^GRANT /s/ GRANTED BY .*;$/;/' "$work/dumps/roles.sql"
}

load_of() {
    echo "loading the database $2"
    if [ "$2" = template1 ]; then set -- "$@" --exit-on-error; else set -- "$@" --create; fi
    pg_restore --username=postgres --dbname=template1 --exit-on-error "$3" "$work/dumps/$1" ||
        not_loaded "the database $2 cannot be loaded (see above)"
    in_database "$2" sql --command="ANALYZE"
}

load_all() {
    roles | sed '/^CREATE ROLE postgres;$/d' | sql --dbname=template1 >/dev/null || not_loaded "the roles cannot be made (see above)"
    sql --dbname=template1 --command="DROP DATABASE postgres"
    each_database load_of
}

compare() {
    counted facts.loaded
    if ! diff "$work/facts" "$work/facts.loaded" >"$work/differences"; then
        head -n 40 "$work/differences" >&2
        not_loaded "the loaded data is not the data of before (<: before, >: loaded): $(grep -m 1 '^[<>]' "$work/differences")"
    fi
    echo "$(grep -c ': rows|' "$work/facts") tables compared, and $(($(wc -l <"$work/facts"))) facts: nothing differs"
}

load() {
    begin
    if ! older; then return; fi
    if [ "$(cat "$work/whole" 2>/dev/null)" != "$(state)" ]; then
        refuse "the dump of $PGDATA is not there, or older than the data" "what came after it would be lost" \
            "start the pod again: kubectl delete pod postgres-0"
    fi
    make_empty
    for each in postgresql.conf postgresql.auto.conf pg_ident.conf; do
        if [ -e "$PGDATA/$each" ]; then cp "$PGDATA/$each" "$upgraded/$each"; fi
    done
    if ! start_empty "$@"; then
        not_loaded "the new server does not start with the settings of before (see above): $(grep -m 1 FATAL "$log")"
    fi
    load_all
    compare
    stop
    initdb --sync-only --pgdata="$upgraded" >/dev/null
    mv "$upgraded" "$PGDATA.upgraded"
    sync
    old="$(version_of "$PGDATA")"
    swap
    rm -rf "$work"
    cat <<TEXT
the data is PostgreSQL $(programs_version)'s; that of PostgreSQL $old is kept in $PGDATA-$old
  the way back, without what is written from now on: the image of before, and feastflow:database.undoUpgrade true
  when it may be lost: kubectl exec postgres-0 -c postgres -- rm -rf $PGDATA-$old
TEXT
}

verb="${1:-}"
case "$verb" in
    offer | dump | load) shift; "$verb" "$@" ;;
    send) send "$2" ;;
    *) echo "usage: upgrade.sh offer|dump|load [OPTION…]|send FILE" >&2; exit 2 ;;
esac
