#!/bin/sh
# The data directory as a volume gives it back after a kubelet, a CSI driver, a snapshot or another tool had it.
# Read by postgres.sh before every start. What does not touch the data is put right: modes, empty directories that a
# copy left out, a lock file cut off by a power failure. What PostgreSQL would not start on is refused in words.
# PostgreSQL's own conditions: https://www.postgresql.org/docs/current/creating-cluster.html

refuse() {
    printf 'error:     %s\n  matters: %s\n  do this: %s\n' "$1" "$2" "$3" >&2
    exit 1
}

RESTORE="restore a snapshot or a backup that is whole"

# Mode, user and group as numbers.
facts() {
    path="$1"
    # shellcheck disable=SC2046 # the words of ls are wanted one by one
    set -- $(ls -ldnH "$path" 2>/dev/null || :)
    echo "mode ${1:-unknown}, user ${3:-unknown}, group ${4:-unknown}"
}

# Begin with the volume's root, which a driver without support for fsGroup leaves as root's own.
reach() {
    if [ -O "$volume" ]; then chmod u+rwx "$volume" 2>/dev/null || :; fi
    if [ ! -x "$volume" ]; then
        refuse "the volume at $volume is closed to user $(id -u) ($(facts "$volume"))" \
            "whether there is data on it cannot be seen" \
            "set feastflow:database.uid and database.gid to the volume's, or use a storage class that supports fsGroup"
    fi
}

# PostgreSQL starts only on a directory of its own user, closed to others and not writable for its group.
own() {
    if [ ! -d "$PGDATA" ]; then
        refuse "$PGDATA is not a directory" "the server's data would be there" "$RESTORE"
    fi
    who="$(facts "$PGDATA")"
    if [ ! -O "$PGDATA" ]; then
        refuse "the data directory $PGDATA is another user's ($who), and the server is user $(id -u)" \
            "PostgreSQL does not start on another user's files" \
            "set feastflow:database.uid and database.gid to the owner's, or give the files back: chown -R $(id -u)"
    fi
    chmod u+rwx,g-w,o= "$PGDATA" 2>/dev/null || :
    who="$(facts "$PGDATA")"
    if [ ! -w "$PGDATA" ]; then
        refuse "the data directory $PGDATA cannot be written ($who)" "a server writes from its first moment" \
            "look for a read-only mount or a failed disk: kubectl describe the claim and its volume"
    fi
    case "$who" in
        "mode drwx"?-?--[-T]*) ;;
        *) refuse "the volume does not keep modes: $PGDATA stays at $who" \
            "PostgreSQL starts only on a directory that is closed to other users" \
            "set feastflow:database.storageClass to a class of block devices, and restore the data there" ;;
    esac
}

# Succeed where the server can use all that it has to, as far down as tables are; else `unusable` is the first.
usable() {
    for unusable in "$PGDATA"/PG_VERSION "$PGDATA"/postgresql*.conf; do
        if [ -e "$unusable" ] && [ ! -r "$unusable" ]; then return 1; fi
    done
    for unusable in "$PGDATA"/base "$PGDATA"/global "$PGDATA"/pg_wal "$PGDATA"/pg_xact "$PGDATA"/pg_multixact \
        "$PGDATA"/base/[0-9]* "$PGDATA"/base/[0-9]*/[0-9p]* "$PGDATA"/global/[0-9p]* \
        "$PGDATA"/pg_wal/[0-9]* "$PGDATA"/pg_xact/[0-9]* "$PGDATA"/pg_multixact/* "$PGDATA"/pg_multixact/*/[0-9]*
    do
        if [ ! -e "$unusable" ]; then continue; fi
        if [ ! -r "$unusable" ] || [ ! -w "$unusable" ]; then return 1; fi
        if [ -d "$unusable" ] && [ ! -x "$unusable" ]; then return 1; fi
    done
}

use() {
    if usable; then return; fi
    chmod -R u+rwX "$PGDATA" 2>/dev/null || :
    if usable; then return; fi
    refuse "the server, user $(id -u), cannot use $unusable ($(facts "$unusable"))" \
        "PostgreSQL fails at its first look at it" "give the files back to the server's user: chown -R $(id -u)"
}

# What initdb writes first and last, and what must never be made up: without it there is no data.
whole() {
    for part in PG_VERSION global/pg_control; do
        if [ ! -s "$PGDATA/$part" ]; then lacks "$part"; fi
    done
    for part in base global pg_multixact pg_wal pg_xact; do
        if [ ! -d "$PGDATA/$part" ]; then lacks "$part"; fi
    done
}

lacks() {
    refuse "$PGDATA is not a whole data directory: $1 is missing or empty" \
        "its initdb, copy or restore was cut off, and what is there may be needed to repair it" \
        "$RESTORE; if there is nothing to keep, delete the directory, and the next start makes a new one"
}

version_of() { head -n 1 "$1/PG_VERSION"; }

programs_version() { postgres --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/'; }

# Of a data directory of an older major version: nothing else is ever upgraded.
older() { [ -s "$PGDATA/PG_VERSION" ] && [ "$(version_of "$PGDATA" | cut -d . -f 1)" -lt "$(programs_version)" ]; }

readable() {
    files="$(version_of "$PGDATA")"
    server="$(programs_version)"
    if [ "$files" != "$server" ]; then
        found="the data in $PGDATA is PostgreSQL $files's, and the image is PostgreSQL $server"
        why="files of one major version cannot be read by another"
        same="set feastflow:database.image to an image of PostgreSQL $files"
        if older; then
            refuse "$found" "$why" "$same; or, to upgrade the data, feastflow:database.upgradeFrom to that image"
        elif [ -s "$PGDATA-$server/PG_VERSION" ]; then
            refuse "$found" "$why" "$same; or, to go back to the data as it was before the upgrade, without \
what was written since, feastflow:database.undoUpgrade to true"
        fi
        refuse "$found" "$why" "$same"
    fi
    if [ -e "$PGDATA/standby.signal" ]; then
        refuse "$PGDATA holds standby.signal: it is a standby's copy" \
            "a standby accepts no writes, and nothing leads this one" \
            "delete standby.signal, if this copy shall be the server from now on"
    fi
}

# Copies by way of object storage leave empty directories out. PostgreSQL does not start without them.
complete() {
    for part in pg_commit_ts pg_dynshmem pg_logical/mappings pg_logical/snapshots pg_notify pg_replslot pg_serial \
        pg_snapshots pg_stat pg_stat_tmp pg_subtrans pg_tblspc pg_twophase
    do
        if [ ! -d "$PGDATA/$part" ]; then mkdir -p -m 700 "$PGDATA/$part"; fi
    done
    # All that the program sets is on the command line, but PostgreSQL wants the file.
    if [ ! -e "$PGDATA/postgresql.conf" ]; then : >"$PGDATA/postgresql.conf"; fi
}

# A StatefulSet never runs two: a lock without a number is what a power failure left of one, and another user's
# is a copy. PostgreSQL takes neither for its own.
unlock() {
    locked=""
    if [ -O "$PGDATA/postmaster.pid" ]; then read -r locked <"$PGDATA/postmaster.pid" || :; fi
    case "$locked" in "" | *[!0-9]*) rm -f "$PGDATA/postmaster.pid" ;; esac
}

# Two directories change places in two steps, and a start between them ends what was begun. The one that is not served
# is kept under its major version; what its server remembered of its backups goes with it.
aside() {
    if [ -e "$volume/archived-to" ]; then mv "$volume/archived-to" "$1/archived-to"; fi
    sync
    mv "$1" "$1-$(version_of "$1")"
}

served() {
    mv "$1" "$PGDATA"
    if [ -e "$PGDATA/archived-to" ]; then mv "$PGDATA/archived-to" "$volume/archived-to"; fi
    sync
}

# The result of an upgrade has this name from the moment it is whole.
swap() {
    if [ -d "$PGDATA.upgraded" ]; then
        if [ -e "$PGDATA" ]; then aside "$PGDATA"; fi
        served "$PGDATA.upgraded"
    elif [ -e "$PGDATA/archived-to" ]; then
        mv "$PGDATA/archived-to" "$volume/archived-to"
    fi
}

# UNDO_UPGRADE is the consent to serve what was kept before an upgrade, without what was written since.
undo() {
    kept="$PGDATA-$(programs_version)"
    if [ -z "${UNDO_UPGRADE:-}" ] || [ ! -s "$kept/PG_VERSION" ]; then return; fi
    if [ -s "$PGDATA/PG_VERSION" ]; then
        if [ "$(version_of "$PGDATA" | cut -d . -f 1)" -le "$(programs_version)" ]; then return; fi
        unkept "$(version_of "$PGDATA")"
        aside "$PGDATA"
    fi
    served "$kept"
    echo "the data of before the upgrade is served again; what was written since stays in $PGDATA-*"
}

# The name under which a data directory would be kept must be free.
unkept() {
    if [ ! -e "$PGDATA-$1" ]; then return; fi
    refuse "there is data of PostgreSQL $1 of before in $PGDATA-$1" \
        "what is served now would be kept under this name, and nothing here deletes data" \
        "set feastflow:database.image to the image that it was, without database.upgradeFrom and undoUpgrade, and delete \
it if it may be lost: kubectl exec postgres-0 -c postgres -- rm -rf $PGDATA-$1"
}

# Before a new data directory is made: data in another place of the volume would be left behind unseen.
elsewhere() {
    for found in "$volume" "$volume"/* "$volume"/*/*; do
        case "$found" in "$fresh"*) continue ;; esac
        if [ -s "$found/PG_VERSION" ]; then
            refuse "there is no data directory $PGDATA, but one in $found" \
                "the server would begin with an empty database, and that data would not be served" \
                "move it to $PGDATA; or off the volume, if an empty database is wanted"
        fi
    done
    if [ ! -w "$volume" ]; then
        refuse "the volume at $volume cannot be written by user $(id -u) ($(facts "$volume"))" \
            "the data directory cannot be made on it" \
            "use a storage class that supports fsGroup, or one whose volumes belong to feastflow:database.uid"
    fi
}

# Where everything is, and that it can be reached.
locate() {
    volume="${PGDATA%/*}"
    fresh="$volume/initdb.unfinished"
    reach
    swap
    undo
}

# Bring an existing data directory into the state that PostgreSQL starts on; nothing where there is none.
settle() {
    locate
    # A directory without anything in it is no data: other tools make one as a place to mount or to restore.
    if [ -d "$PGDATA" ]; then rmdir "$PGDATA" 2>/dev/null || :; fi
    if [ ! -e "$PGDATA" ] && [ ! -L "$PGDATA" ]; then return; fi
    own
    # Versions before this one moved a new data directory, never served, into an empty one that was there.
    if [ ! -e "$PGDATA/PG_VERSION" ] && [ -d "$PGDATA/initdb.unfinished" ]; then
        rm -rf "$PGDATA/initdb.unfinished"
        if rmdir "$PGDATA" 2>/dev/null; then return; fi
    fi
    use
    whole
    readable
    complete
    unlock
}
