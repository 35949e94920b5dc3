"""The edge's port on loopback: it must be free when the nodes are made, and stays theirs from then on."""

import os
import socket

from toolchain.refusal import Refusal


def must_be_free(port: int) -> None:
    """Refuse a port that nobody could be given now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as taken:
            raise Refusal(
                f"port {port} on 127.0.0.1 cannot be had: {os.strerror(taken.errno or 0)}",
                "the site is served there",
                f"end what uses it (ss -ltnp 'sport = :{port}'), or choose another: make up PORT={port + 1}",
            ) from taken


def must_be_kept(name: str, known: int, wanted: int) -> None:
    """Refuse another port than the one that the cluster was made with."""
    if known != wanted:
        raise Refusal(
            f"the cluster {name} has its edge on port {known}, not {wanted}",
            "kind binds the port when it makes the nodes; it cannot be changed later",
            f"use the port it has (PORT={known}), or make it anew: make down up PORT={wanted}",
        )
