"""The address in BACKEND, and the URLs and options that follow from it. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from tools.toolchain.errors import UserError

LOCAL = "local"
_LOCAL_NAMES = (LOCAL, "file", "file://")
# Pulumi understands these in an s3:// URL; the first ones mean the same to KMS.
_SHARED = ("region", "endpoint", "disableSSL", "awssdk")
_KNOWN = (*_SHARED, "s3ForcePathStyle")
# Names the stack in everything that the key encrypts for it: a policy can then tell stacks' secrets apart.
CONTEXT = "pulumi-stack"
_EXAMPLE = "make backend BACKEND=s3://my-company-pulumi-state"


@dataclass(frozen=True, kw_only=True)
class Address:
    """A bucket, the folder in it (`""` for none) and the options under which AWS is reached."""

    bucket: str
    prefix: str
    options: tuple[tuple[str, str], ...]

    @property
    def url(self) -> str:
        """Return what PULUMI_BACKEND_URL says."""
        path = f"/{self.prefix}" if self.prefix else ""
        return f"s3://{self.bucket}{path}{self._query(_KNOWN)}"

    def secrets(self, project: str, stack: str) -> str:
        """Return the stack's secrets provider: the bucket's key, reached as the bucket is."""
        query = self._query(_SHARED)
        context = urlencode({f"context_{CONTEXT}": self.context(project, stack)}, safe=":/")
        return f"awskms://{self.alias}{query}{'&' if query else '?'}{context}"

    def context(self, project: str, stack: str) -> str:
        """Return the name of the stack that no other one in the bucket has."""
        return self.key(f"{project}/{stack}")

    @property
    def alias(self) -> str:
        """Return the key's alias. A bucket's name has dots and no underscores, an alias the reverse."""
        return f"alias/pulumi-{self.bucket.replace('.', '_')}"

    @property
    def region(self) -> str | None:
        """Return the region that the URL names."""
        return self.option("region")

    @property
    def endpoint(self) -> str | None:
        """Return the URL at which AWS, or what stands in for it, is reached; None for AWS itself."""
        host = self.option("endpoint")
        if host is None or "://" in host:
            return host
        return f"{'http' if self.option('disableSSL') == 'true' else 'https'}://{host}"

    @property
    def is_loopback(self) -> bool:
        """Return whether the store is on this very machine."""
        host = urlsplit(self.endpoint or "").hostname or ""
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def key(self, path: str) -> str:
        """Return the object's key of what Pulumi keeps under this path."""
        return f"{self.prefix}/{path}" if self.prefix else path

    def same(self, other: Address) -> bool:
        """Return whether it is the same place, however it is reached."""
        return (self.bucket, self.prefix, self.endpoint) == (other.bucket, other.prefix, other.endpoint)

    def option(self, name: str) -> str | None:
        """Return the value of an option, where the URL has it."""
        return dict(self.options).get(name)

    def within(self, region: str) -> Address:
        """Return the same with its region written down, so that it does not hang on the environment."""
        options = tuple((name, value) for name, value in self.options if name != "region")
        return Address(bucket=self.bucket, prefix=self.prefix, options=(*options, ("region", region)))

    def _query(self, names: tuple[str, ...]) -> str:
        chosen = [(name, value) for name, value in self.options if name in names]
        return f"?{urlencode(chosen, safe=':/')}" if chosen else ""


def parse(text: str) -> Address | None:
    """Return the bucket that BACKEND names, or None for this machine's own files.

    Raises:
        UserError: when it names neither, or has an option that Pulumi would not understand.
    """
    if text in _LOCAL_NAMES:
        return None
    parts = urlsplit(text)
    if parts.scheme != "s3" or not parts.netloc:
        raise UserError(
            f"BACKEND is {text!r}" if text else "BACKEND is not set",
            "it says where the stack's state goes",
            f"name a bucket ({_EXAMPLE}) or this machine's own files (make backend BACKEND={LOCAL})",
        )
    options = tuple(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted({name for name, _ in options} - set(_KNOWN))
    if "profile" in unknown:
        raise UserError(
            "BACKEND names a profile",
            "the address is written down for everybody, and your profiles exist on your machine alone",
            "leave it out and set AWS_PROFILE",
        )
    if unknown:
        raise UserError(
            f"BACKEND has the option {unknown[0]}",
            "Pulumi would refuse a URL with an option that it does not know",
            f"leave it out; these are known: {', '.join(_KNOWN)}",
        )
    return Address(bucket=parts.netloc, prefix=parts.path.strip("/"), options=options)


def context(provider: str) -> str | None:
    """Return the stack that a secrets provider names to the key, or None where it names none."""
    return dict(parse_qsl(urlsplit(provider).query)).get(f"context_{CONTEXT}")
