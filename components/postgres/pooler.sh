#!/bin/sh
# PgBouncer in a pod, without an image's own entry point: sh and pgbouncer are enough.
#   serve    write the list of logins, and become PgBouncer
#   drain    serve the clients that are there until they have left, then let transactions end, then PgBouncer
set -eu
here="$(dirname "$0")"

serve() {
    umask 077
    for login in "$LOGINS"/*; do
        printf '"%s" "%s"\n' "$(cat "$login/username")" "$(cat "$login/verifier")"
    done > "$USERLIST"
    # Each connection, on either side, is an open file.
    ulimit -n "$(ulimit -H -n)"
    exec pgbouncer "$here/pgbouncer.ini"
}

# Established connections to the port that it listens on, in the kernel's own table of this network namespace:
# https://docs.kernel.org/networking/proc_net_tcp.html
clients() {
    port="$(printf '%04X' "$PORT")"
    for table in /proc/net/tcp /proc/net/tcp6; do
        [ -r "$table" ] || continue
        while read -r _ ours _ state _; do
            if [ "${ours#*:}" = "$port" ] && [ "$state" = 01 ]; then return 0; fi
        done < "$table"
    done
    return 1
}

drain() {
    # New clients come until every proxy knows that this pod leaves.
    sleep "$REMOVAL_SECONDS"
    left="$DRAIN_SECONDS"
    while [ "$left" -gt 0 ] && clients; do
        sleep 1
        left=$((left - 1))
    done
    # Servers are let go as their transactions end. A second signal would be an end at once, so none may come
    # before: https://www.pgbouncer.org/usage.html#signals
    kill -INT "${SERVER_PID:-1}"
    sleep "$END_SECONDS"
}

case "${1:-}" in
    serve) serve ;;
    drain) drain ;;
    *) echo "usage: pooler.sh serve|drain" >&2; exit 2 ;;
esac
