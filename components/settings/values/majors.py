"""PostgreSQL's major version, as an image's reference tells it.

Files of one major version cannot be read by another, so this number decides whether a server starts on the
data that is there.
"""

import re

# psql's \getenv, which keeps secrets out of command lines, came with it:
# https://www.postgresql.org/docs/release/15.0/
OLDEST = 15
# A larger number is the version of something else.
NEWEST = 25

_REFERENCE = re.compile(r"(?:.*/)?(?P<image>[^/:@]+)(?::(?P<tag>[^@]+))?(?:@.*)?")
_VERSION = re.compile(r"(?P<major>[0-9]{2})(?:(?:beta|rc)[0-9]+)?(?:[.-].*)?")
_NAMED = re.compile(r"(?:pg|postgres|postgresql)[-_]?([0-9]{2})(?![0-9])")
_OFFICIAL = ("postgres", "postgresql")


def of_version(script: str, major: int) -> str:
    """Return a script that looks for its programs where Debian has those of this major version."""
    return script.replace(f"/postgresql/{OLDEST}/", f"/postgresql/{major}/")


def tagged(reference: str) -> int | None:
    """Return the number that the tag begins with, where it can be a major version of PostgreSQL.

    None where there is none, and where the reference names another one elsewhere (`postgres-15:16.0.1`).
    """
    image, tag = _parts(reference)
    match = _VERSION.fullmatch(tag)
    major = int(match["major"]) if match else 0
    named = {int(number) for number in _NAMED.findall(f"{image}:{tag}")}
    return major if OLDEST <= major <= NEWEST and named <= {major} else None


def certain(reference: str) -> bool:
    """Return whether the tag can only be PostgreSQL's version: the image is called like PostgreSQL itself."""
    return _parts(reference)[0] in _OFFICIAL and tagged(reference) is not None


def _parts(reference: str) -> tuple[str, str]:
    match = _REFERENCE.fullmatch(reference)
    return (match["image"], match["tag"] or "") if match else ("", "")
