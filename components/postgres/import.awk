# A dump on its way into the stack's database: as it is, but for who owned what and who else might use it, since here all is
# the stack's owner's. Counts the rows of each table (FOUND), and says so from time to time. A dump that cannot go into one
# transaction, or is of a newer server (NEWEST), ends with the reason; one that was cut off is never reported as whole (WHOLE).
function refuse(found, fix) {
    print "The dump cannot be imported: " found ".\n  why it matters: nothing of it may stay if the rest fails\n  next: " fix > "/dev/stderr"
    refused = 1
    exit 3
}
BEGIN { step = 100000 }
copying {
    print
    if ($0 == "\\.") {
        copying = 0
        printf "%s: %d rows\n", table, rows > "/dev/stderr"
        counted[table] += rows
    } else if (++rows % step == 0) {
        printf "%s: %d rows so far\n", table, rows > "/dev/stderr"
    }
    next
}
/^-- Dumped from database version [0-9]/ && !version {
    version = $6 + 0
    if (version >= 1 && int(version) > NEWEST) {
        refuse("it is of PostgreSQL " int(version) ", and this database is " NEWEST, \
            "have a server of " int(version) " or later: database.image")
    }
}
/^-- PostgreSQL database cluster dump/ { refuse("it is of a whole server (pg_dumpall)", "dump one database: pg_dump DATABASE") }
/^PGDMP/ { refuse("it is in an archive's format", "make a plain one: pg_restore --file=dump.sql DUMP; or pg_dump --format=plain") }
/^\\(restrict|unrestrict) / { print; next }
/^\\/ { refuse("it has a command of psql's, " $1, "dump one database without --create, and nothing else") }
/^(COMMIT|ROLLBACK|BEGIN|START TRANSACTION);/ { refuse("it has a transaction of its own, " $1, "dump it with pg_dump") }
/^INSERT INTO / { refuse("its rows are INSERT statements, which cannot be counted", "dump it without --inserts") }
# Of another server's roles: https://www.postgresql.org/docs/15/app-pgdump.html, --no-owner and --no-privileges
/^ALTER [A-Z ]+ .* OWNER TO [^ ]+;$/ { next }
/^(GRANT|REVOKE|ALTER DEFAULT PRIVILEGES) .*;$/ { next }
# Extensions that were there are the superuser's.
/^COMMENT ON EXTENSION .*;$/ { next }
/^COPY .* FROM stdin;$/ {
    table = $0
    sub(/^COPY /, "", table)
    sub(/ \(.*\) FROM stdin;$| FROM stdin;$/, "", table)
    copying = 1
    rows = 0
}
/^-- PostgreSQL database dump complete$/ { whole = 1 }
{ print }
END {
    if (refused || !whole || copying) exit 3
    for (table in counted) print table "|" counted[table] > FOUND
    close(FOUND)
    print "whole" > WHOLE
    close(WHOLE)
}
