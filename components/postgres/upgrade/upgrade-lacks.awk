# What the first file (upgrade-offers.sql) does not offer of what the second needs (upgrade-needs.sql), in one line.
function plain(locale) { gsub("-", "", locale); return tolower(locale) }

# Whether a version comes after another one, number by number.
function after(one, other, left, right, count, i) {
    count = split(one, left, /[^0-9A-Za-z]+/)
    split(other, right, /[^0-9A-Za-z]+/)
    for (i = 1; i <= count; i++) {
        if (left[i] + 0 > right[i] + 0) return 1
        if (left[i] + 0 < right[i] + 0) return 0
    }
    return 0
}

function lacks(what) {
    if (what in told) return
    told[what] = 1
    found = found (found == "" ? "" : ", ") what
}

NR == FNR { offered[$1, $1 == "locale" ? plain($2) : $2] = $3; next }
$1 == "extension" && !(($1, $2) in offered) { lacks("the extension " $2) }
$1 == "extension" && (($1, $2) in offered) && after($3, offered[$1, $2]) {
    lacks("the extension " $2 " in version " $3 " or later, it has " offered[$1, $2])
}
$1 == "locale" && !(($1, plain($2)) in offered) { lacks("the locale " $2) }
$1 == "collation" && !(($1, $2) in offered) { lacks("the collation " $2) }
$1 == "icu" && !(($1, $2) in offered) { lacks("ICU, by which collations sort") }
END { print found }
