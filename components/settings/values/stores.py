"""Places of backups: a bucket and a path in it, the address of a store, and how long backups are kept.

Each text has a grammar that needs no quotes in a shell. Pure: no store is asked.
"""

import datetime as dt
import itertools
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from . import cron

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(
    r"(?!xn--|sthree-|amzn-s3-demo-)(?=.{3,63}$)[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*(?<![.-])"
)
_ADDRESS = re.compile(r"\d+(\.\d+){3}")
_SEGMENT = re.compile(r"(?!\.\.?$)[A-Za-z0-9._-]{1,128}")
_HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\.?"
)
_KEPT = re.compile(r"([1-9][0-9]{0,3})([dwm])")
# Of a month, so that nothing is promised that February breaks.
_DAYS = {"d": 1, "w": 7, "m": 28}
_PORTS = {"https": 443, "http": 80}
_WORDS = {
    "@hourly": 1,
    "@daily": 1,
    "@midnight": 1,
    "@weekly": 7,
    "@monthly": 31,
    "@yearly": 366,
    "@annually": 366,
}
# With a leap day, and each day of a month on each day of the week.
_FIRST, _LAST = dt.date(2024, 1, 1), dt.date(2032, 12, 31)


class StoreError(ValueError):
    """A text that names no place, or not one that can be meant; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """The address of a store: `encrypted` says whether it is spoken to by https."""

    host: str
    port: int
    encrypted: bool


def destination(text: str) -> str:
    """Return the destination unchanged.

    Raises:
        StoreError: where it is no bucket and a path in it.
    """
    scheme, found, rest = text.partition("://")
    if not found or scheme != "s3":
        raise StoreError("backups are kept in a bucket that is spoken to by S3's protocol: s3://bucket/path")
    bucket, _, path = rest.partition("/")
    if not _BUCKET.fullmatch(bucket) or _ADDRESS.fullmatch(bucket) or bucket.endswith(("-s3alias", "--x-s3")):
        raise StoreError(
            "a bucket's name is 3 to 63 lower-case letters, digits, dots and dashes, a letter or digit at "
            "either end, and is no address"
        )
    if not path:
        raise StoreError(
            "without a path in the bucket another database's backups there would be taken for this one's"
        )
    if not all(map(_SEGMENT.fullmatch, path.split("/"))):
        raise StoreError(
            "its path is parts of letters, digits, `.`, `-` and `_`, with single slashes between and none at "
            "the end"
        )
    return text


def endpoint(text: str) -> Endpoint:
    """Return the store's address.

    Raises:
        StoreError: where it is no address of a server.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise StoreError("it is no URL of a server") from None
    if parts.scheme not in _PORTS:
        raise StoreError("the store is spoken to by https, or by http where allowHttp says so")
    if "@" in parts.netloc:
        raise StoreError("credentials stand in a Secret that `credentials.secretName` names, never in a URL")
    if parts.path or parts.query or parts.fragment or text.endswith(("?", "#", ":")):
        raise StoreError("it is a scheme, a host and a port: the bucket and the path stand in `destination`")
    host = parts.hostname or ""
    if _ADDRESS.fullmatch(host) or ":" in host:
        raise StoreError("no certificate is for an address: name the host here, and its addresses in cidrs")
    if not _HOST.fullmatch(host) or parts.netloc.partition(":")[0] != host or port == 0:
        raise StoreError("a host is a DNS name in lower case")
    return Endpoint(host=host, port=port or _PORTS[parts.scheme], encrypted=parts.scheme == "https")


def days_kept(text: str) -> int:
    """Return how many days a retention keeps a backup at the least.

    Raises:
        StoreError: where it is none.
    """
    match = _KEPT.fullmatch(text)
    if match is None:
        raise StoreError("it is a number of days, weeks or months: 14d, 4w or 3m")
    return int(match[1]) * _DAYS[match[2]]


def days_between(schedule: str) -> int:
    """Return the most days between two moments of a schedule that `cron.check` accepts, at least 1."""
    if schedule in _WORDS:
        return _WORDS[schedule]
    days = filter(cron.days(schedule), _every_day())
    return max((after - before).days for before, after in itertools.pairwise(days))


def _every_day() -> list[dt.date]:
    return [_FIRST + dt.timedelta(days=number) for number in range((_LAST - _FIRST).days + 1)]
