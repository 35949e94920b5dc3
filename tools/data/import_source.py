"""Source of an import: a server by its URL, a server in a pod, or a dump in a file; none is asked here."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from tools.toolchain.errors import UserError

_EXAMPLES = (
    "make import-data FROM=postgres://user@host:5432/database, FROM=namespace/pod, or FROM=dump.sql.gz"
)
_NAME = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"
_POD = re.compile(rf"(?P<namespace>{_NAME})/(?P<pod>{_NAME})(/(?P<database>[A-Za-z0-9_-]{{1,63}}))?")
_MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")
_PASSWORD = "FROM_PASSWORD"  # noqa: S105 - a variable's name


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that the import's pod connects to itself."""

    host: str
    port: int
    user: str
    database: str
    mode: str
    password: str = ""

    @property
    def variables(self) -> dict[str, str]:
        """Return what tells the pod of it, without the password."""
        return {
            "FROM_HOST": self.host,
            "FROM_PORT": str(self.port),
            "FROM_USER": self.user,
            "FROM_DATABASE": self.database,
            "FROM_SSLMODE": self.mode,
        }

    def __str__(self) -> str:
        return f"{self.database} at {self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A server in a pod, whose own pg_dump reads it on its socket; without a name, its POSTGRES_DB."""

    namespace: str
    pod: str
    database: str = ""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod}"


@dataclass(frozen=True, kw_only=True)
class Dump:
    """A dump of one database in a file."""

    path: Path

    def __str__(self) -> str:
        return self.path.name


Source = Server | Pod | Dump


def read(text: str, environ: Mapping[str, str]) -> Source:
    """Return the source that FROM means; a password comes from the environment.

    Raises:
        UserError: where it means none, or has a password in it.
    """
    if not text:
        raise UserError("FROM says nothing", "an import has to be told where the data is", _EXAMPLES)
    if "://" in text:
        return _server(text, environ)
    path = Path(text).expanduser()
    if path.is_file():
        return Dump(path=path)
    match = _POD.fullmatch(text)
    if match is None or path.suffix in (".sql", ".gz", ".dump"):
        raise UserError(f"there is no file {text}", "an import has to be told where the data is", _EXAMPLES)
    return Pod(namespace=match["namespace"], pod=match["pod"], database=match["database"] or "")


def _server(text: str, environ: Mapping[str, str]) -> Server:
    try:
        url = urlsplit(text)
        port = url.port or 5432
        has_password = bool(url.password)
    except ValueError:
        raise _refused("it is no URL of a server") from None
    if has_password:
        # Not shown: the text has the password in it.
        raise UserError(
            "FROM has a password in it",
            "every user of this machine can read the arguments of a program, and shells write them down; "
            "this one has been shown, so change it",
            f"leave it out, and give it in the environment: read -rs {_PASSWORD}; export {_PASSWORD}",
        )
    if url.scheme not in ("postgres", "postgresql"):
        raise _refused("its scheme is another one than postgres")
    database = unquote(url.path.removeprefix("/"))
    if not url.hostname or not url.username or not database or "/" in database:
        raise _refused("it names no host, no user or no database")
    asked = parse_qs(url.query)
    if unknown := sorted(asked.keys() - {"sslmode"}):
        raise _refused(f"of its parameters, sslmode alone is read, and not {', '.join(unknown)}")
    mode = asked.get("sslmode", ["require"])[-1]
    if mode not in _MODES:
        raise _refused(f"sslmode is one of {', '.join(_MODES)}")
    return Server(
        host=url.hostname,
        port=port,
        user=unquote(url.username),
        database=database,
        mode=mode,
        password=environ.get(_PASSWORD, ""),
    )


def is_address(host: str) -> bool:
    """Return whether it is an address, and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _refused(why: str) -> UserError:
    return UserError(f"FROM is no source of an import: {why}", "the data would not be found", _EXAMPLES)
