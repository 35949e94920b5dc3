"""References to images, as container runtimes read them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tools.toolchain.errors import UserError

# https://github.com/distribution/reference/blob/main/regexp.go
_PATH = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
# With a dot or a port, or this one name; other words before a slash are names on Docker's own registry.
_HOST = r"(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:))(?::\d+)?"
_SHAPE = re.compile(
    rf"(?P<path>(?:{_HOST}/)?{_PATH}(?:/{_PATH})*)(?::(?P<tag>\w[\w.-]{{0,127}}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
_HUB = "registry-1.docker.io"
_LOOPBACK = re.compile(r"(localhost|127\.\d+\.\d+\.\d+)(:\d+)?")


@dataclass(frozen=True, kw_only=True)
class Reference:
    """An image: `text` is what stands before tag and digest, `host` and `path` where it is asked for."""

    text: str
    host: str
    path: str
    tag: str | None
    digest: str | None

    @property
    def url(self) -> str:
        """Return the image's address in the registry's API; plain HTTP on loopback alone, as runtimes do."""
        scheme = "http" if _LOOPBACK.fullmatch(self.host) else "https"
        return f"{scheme}://{self.host}/v2/{self.path}"

    @property
    def what(self) -> str:
        """Return the digest where there is one, else the tag; `latest` without either."""
        return self.digest or self.tag or "latest"

    def at(self, digest: str) -> Reference:
        """Return the same image by its digest; the tag stays for a reader, runtimes go by the digest."""
        return replace(self, digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.text}{tag}{f'@{self.digest}' if self.digest else ''}"


def parse(text: str) -> Reference:
    """Read a reference.

    Raises:
        UserError: when it is none.
    """
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise UserError(
            f"{text!r} is no reference to an image",
            "a registry has to be asked for it",
            "write it as HOST/NAME:TAG or HOST/NAME@sha256:…",
        )
    host, slash, path = found["path"].partition("/")
    if not slash or not (re.search(r"[.:]", host) or host == "localhost"):
        host, path = _HUB, found["path"] if slash else f"library/{host}"
    elif host == "docker.io":
        host, path = _HUB, path if "/" in path else f"library/{path}"
    return Reference(text=found["path"], host=host, path=path, tag=found["tag"], digest=found["digest"])
