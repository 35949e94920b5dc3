"""New values for a store that has none yet: what Pulumi would have generated, for a rendering."""

import datetime as dt
import secrets
import string
from collections.abc import Mapping, Sequence

from components.postgres import authority, scram
from components.postgres.authority import Issued
from components.settings.values import names

_LETTERS_AND_DIGITS = 40
_PASSWORD, _VERIFIER = "password", "verifier"
# A store's entry is written once and never changed, so nothing renews this one.
_YEARS = 10
_POOLERS = f"{names.SECRET_PREFIX}-{names.POOLER_COMPONENT}-"


def fresh(entries: Mapping[str, Sequence[str]]) -> dict[str, dict[str, str]]:
    """Return a value for every property of every entry; a verifier is that of the password next to it.

    The certificates of the database's server and of its pooler are signed by the authorities that are
    returned with them.
    """
    found = {}
    issued = {service: _issued(service) for service in (names.DATABASE, names.POOLER)}
    for path, properties in entries.items():
        issued_here = issued[names.POOLER if _POOLERS in path else names.DATABASE]
        values = {name: issued_here.get(name) or _generated() for name in properties if name != _VERIFIER}
        if _VERIFIER in properties:
            values[_VERIFIER] = scram.verifier(values[_PASSWORD])
        found[path] = values
    return found


def _issued(service: str) -> Mapping[str, str]:
    year = dt.datetime.now(tz=dt.UTC).year
    issued: Issued = authority.issue(_generated(), [service], year, _YEARS)
    return {"ca.crt": issued.authority, "tls.crt": issued.certificate, "tls.key": issued.key}


def _generated() -> str:
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(_LETTERS_AND_DIGITS))
