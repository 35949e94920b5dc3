"""TLS of a server, PostgreSQL or a pooler: a Secret with key and certificate, another with the authority.

Two, because the authority goes to every client and stays when the certificate is renewed. With the year the
certificate's content changes, hence its Secret's name, and the server starts once more with it.
"""

import datetime as dt
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core

from ..settings.values import names
from ..settings.values.names import Identity
from ..workloads import environment, workload
from ..workloads.context import Place
from .authority import Issued, issue

_FOLDER = "/etc/feastflow/tls"
CERTIFICATE, KEY = f"{_FOLDER}/tls.crt", f"{_FOLDER}/tls.key"
_KIND = "kubernetes.io/tls"
# The files are root's, and the group is the server's own (fsGroup): PostgreSQL takes a key of root's that its
# group may read, and refuses one that more may:
# https://www.postgresql.org/docs/15/ssl-tcp.html#SSL-SETUP
_MODE = 0o440


@dataclass(frozen=True, kw_only=True)
class ServerTls:
    """The volume with the server's certificate, and the name of the Secret with the authority in `ca.crt`."""

    volume: workload.Volume
    authority: pulumi.Output[str]


def create(place: Place, parent: pulumi.Resource, year: int | None = None, *, of: Identity) -> ServerTls:
    """Create both Secrets of a server, with the certificate of the `year`, by default the present one.

    The Service that clients call has the name of the identity.
    """
    secret = environment.password(f"{of.name}-authority-key", 1, parent)
    hosts = names.hosts(of.name, place.instance, place.cluster.domain)
    during = year or dt.datetime.now(tz=dt.UTC).year

    def issued(known: str) -> dict[str, str]:
        made: Issued = issue(known, hosts, during)
        return {"ca.crt": made.authority, "tls.crt": made.certificate, "tls.key": made.key}

    content = secret.apply(issued)
    own = environment.secret(
        f"{of.name}-tls-secret-1",
        place,
        place.identity(f"{of.name}-tls", f"{of.component}-tls"),
        {name: content[name] for name in ("tls.crt", "tls.key")},
        parent,
        _KIND,
    )
    authority = environment.secret(
        f"{of.name}-authority-secret-1",
        place,
        place.identity(f"{of.name}-authority", f"{of.component}-authority"),
        {"ca.crt": content["ca.crt"]},
        parent,
    )
    source = core.v1.VolumeArgs(
        name="tls", secret=core.v1.SecretVolumeSourceArgs(secret_name=own, default_mode=_MODE)
    )
    return ServerTls(volume=workload.Volume(source=source, path=_FOLDER), authority=authority)
