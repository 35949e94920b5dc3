"""The shapes of secrets: names that hold one, and texts that are one or contain one.

Patterns are read alike by RE2 and by Python's `re`. They are short on purpose: the API server counts the
length of a pattern times that of the text, and refuses what costs too much. Entropy cannot be computed there;
what stands for it is a long text of letters of both cases and digits without a space.
"""

from .expression import Expression, Literal
from .logic import Compare, Letters, Matches
from .vocabulary import every, some

# A condition may cost a million: a tenth of the letters times a quarter of the longest pattern's.
# https://kubernetes.io/docs/reference/using-api/cel/#resource-constraints
MOST_LETTERS = 64_000

_STAGE = (
    "([_.-]?([0-9]+|prod(uction)?|dev(elopment)?|test|stag(e|ing)|live|old|new|current|prev(ious)?|primary"
    "|secondary|main|default|base64|b64|hash|value|text|raw|plain))*$"
)
# Names that hold a secret; PASSWORD_FILE and SECRET_NAME say where one is, and `passwd` alone lists users.
NAME = (
    "(?i)((^|[^a-z])(pass(code)?|pwd?|pat|secret|token|credentials?|creds|otp|jwt|bearer|salt|pepper)"
    "|(db|pg|my|sql|redis|smtp|mail|user|admin|root|ftp|ldap|mq|mongo|key|proxy|login|vault|app|api|svc)pass"
    "|password|passphrase|secret|[a-z0-9_.-]passwd"
    "|(access|auth|refresh|id|bot|api|session|deploy|personal)token"
    "|(api|app|private|access|secret|auth|encrypt(ion)?|sign(ing)?|master|service|account|shared|license"
    "|webhook|hmac|aes|rsa|ssh|jwt|cookie|session|deploy|client|consumer)[_.-]?key"
    "|(sentry|rollbar|bugsnag|glitchtip)[_.-]?dsn|(redis|registry|docker|npm|basic|http|proxy)[_.-]?auth)"
    + _STAGE
)
# A boolean is no secret, and $(NAME) is expanded from another variable.
HARMLESS = "(?i)^(|true|false|yes|no|on|off|[01]|\\$\\([a-z_][a-z0-9_]*\\))$"
# A key, or an address whose password is no reference to a variable: $(NAME), ${NAME} or $NAME. Digits that
# a quote or a comma ends are a port, and what follows is another value.
_ADDRESS = (
    "-----BEGIN [A-Z0-9 ]*PRIVATE KEY"
    "|://[^/:@ \n\\[]*:([^/@ \n$0-9\"'][^/@ \n\"']*|[0-9]+([^/@ \n0-9,;?#&\"'|<>()][^/@ \n\"']*)?"
    "|\\$[^({A-Z_/@ \n][^/@ \n]*"
    "|\\$[A-Z_][A-Z0-9_]*[^A-Z0-9_/@ \n][^/@ \n]*"
    "|\\$[({][A-Za-z0-9_]*([)}][^/@ \n]+|[^)}A-Za-z0-9_/@ \n][^/@ \n]*)|[^/@ \n0-9$\"'][^@ \n\"']*)@"
    "|://[0-9a-f]{32}@"
)
# Prefixes of known services' tokens.
_PREFIX = (
    "(^|[^A-Za-z0-9])([sr]k_(live|test)_|whsec_|gh[oprsu]_|github_pat_|gl[a-z]{1,4}t-|hv[bs]\\.|dckr_pat_|do[opr]_v1_"
    "|shp[a-z]{2}_|xkeysib-|ATATT|lin_api_|AGE-SECRET-KEY-|NRAK-|tskey-|SG\\.|ya29\\.)[0-9A-Za-z_+/=.-]{4}"
    "|(^|[^A-Za-z0-9])(sk-|npm_|pypi-|pul-)[0-9A-Za-z_-]{18}|(AKIA|ASIA|LTAI)[0-9A-Z]{8}|xox[a-z]-[0-9A-Za-z]"
    "|AIza[0-9A-Za-z_-]{20}|eyJ[0-9A-Za-z_-]{12}|hooks\\.slack\\.com/services/"
)
_WORDS = (
    "(password|passwd|passphrase|pwd|secret|token|credentials?"
    "|([^a-z]|db|pg|smtp|redis|user|admin|root)pass|(api|access|secret|private|auth|account)[_.-]?key)"
)
# `NAME=value` anywhere, `name: value` at the beginning of a line, and `"name": "value"`.
_ASSIGNMENT = (
    f"(?i){_WORDS}([ \t]*=[ \t]*[\"']?|[\"'][ \t]*:[ \t]*[\"'])"
    "[^$ \t\n\"'`{<%(&|\\\\)};,#=:/][^ \t\n\"']{2}"
    f"|(^|\n)[ \t]*(- )?[a-z0-9_.-]*{_WORDS}:[ \t]+[\"']?"
    "[^$ \t\n\"'`{<%(&|\\\\)};,#=:/!*>][^ \t\n\"']{2}"
    "|authorization[\"']?[ \t]*[:=][ \t]*[\"']?(bearer|basic|token)[ \t]+[^$ {<]"
)
# `--password value`, each on its own line or after a space, and what well-known clients are given.
_FLAG = (
    "(?i)(^|[\n ])--?[a-z0-9_.-]*(pass(word|wd|phrase)?|pwd|secret|token"
    "|(api|access|secret|private|auth)-?key)"
    "[\n ][\"']?[^-$/ \n\"'{<(`]"
    "|(^|[\n ])(-u|--user)[\n =][\"']?[^ \n$:/]+:[^ \n$/0-9]"
    "|(mysql|mariadb)[^;|]*[\n ]-p[^ \n$-]|sshpass[\n ]+-p[\n ]*[\"']?[^ \n$\"']"
    "|redis-cli[^;|]*[\n ]-a[\n ]+[\"']?[^ \n$\"'-]"
)
_RANDOM = "^([A-Za-z0-9+=][A-Za-z0-9+/=]{27,}|[A-Za-z0-9+=][A-Za-z0-9+/_=-]{35,})$"
_HEX = "^([0-9a-f]{32}|[0-9a-f]{48}|[0-9a-f]{96}|[0-9a-f]{128})$"


def can_be_read(texts: Expression) -> Expression:
    """Return the test that an object's texts are short enough for the API server to search each."""
    return Compare(Letters(texts), "<", Literal(MOST_LETTERS))


def names_a_secret(name: Expression) -> Expression:
    """Return the test that a variable or key of this name holds a secret."""
    return Matches(name, NAME)


def harmless(value: Expression) -> Expression:
    """Return the test that a value is no secret, although its name says so."""
    return Matches(value, HARMLESS)


def is_a_secret(value: Expression) -> Expression:
    """Return the test that a value is a secret, or contains one, whatever its name."""
    return some(holds_a_key(value), has_a_prefix(value), assigns(value), looks_random(value))


def holds_a_key(text: Expression) -> Expression:
    """Return the test that a text holds a private key, or an address with a password."""
    return Matches(text, _ADDRESS)


def has_a_prefix(text: Expression) -> Expression:
    """Return the test that a part of a text begins as a known service's tokens do."""
    return Matches(text, _PREFIX)


def assigns(text: Expression) -> Expression:
    """Return the test that a text assigns a value to a secret's name."""
    return Matches(text, _ASSIGNMENT)


def hands_over(command: Expression) -> Expression:
    """Return the test that a command line gives a value to a secret's flag."""
    return Matches(command, _FLAG)


def looks_random(value: Expression) -> Expression:
    """Return the test that a value looks random: long, both cases and digits, or as much hex as a key has."""
    mixed = (Matches(value, part) for part in ("[a-z]", "[A-Z]", "[0-9].*[0-9]"))
    return some(every(Matches(value, _RANDOM), *mixed), Matches(value, _HEX))
