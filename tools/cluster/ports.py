"""The edge's two ports on loopback: free when the nodes are made, and theirs from then on.

The user chooses one, for http; the one for https lies as far above it as 8443 above 8080.
"""

import os
import socket

from tools.toolchain.errors import UserError

_ABOVE = 8443 - 8080

LAST = 65535 - _ABOVE


def encrypted(port: int) -> int:
    """Return the port for https that belongs to the one for http."""
    return port + _ABOVE


def must_be_free(port: int) -> None:
    """Refuse a port that could not be had now, with its neighbour for https."""
    for wanted in (port, encrypted(port)):
        _bind(wanted, port)


def _bind(port: int, chosen: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as taken:
            raise UserError(
                f"port {port} on 127.0.0.1 cannot be had: {os.strerror(taken.errno or 0)}",
                "the site is served there, by http and 363 above by https",
                f"end what uses it (ss -ltnp 'sport = :{port}'), or take another: make up PORT={chosen + 1}",
            ) from taken


def must_be_kept(name: str, known: int, wanted: int) -> None:
    """Refuse another port than the one that the cluster was made with."""
    if known != wanted:
        raise UserError(
            f"the cluster {name} has its edge on port {known}, not {wanted}",
            "kind binds the port when it makes the nodes; it cannot be changed later",
            f"use the port it has (PORT={known}), or recreate it: make down up PORT={wanted}",
        )
