"""Addresses of loopback, one for each server: several run side by side on the same ports.

All of 127.0.0.0/8 is this machine. A port that the kernel hands out could be taken between the question and
the program that listens there; an address that is claimed stays claimed for as long as its owner lives.
"""

import contextlib
import socket
from collections.abc import Iterator, Sequence

# Apart from Debian's own entries in /etc/hosts (127.0.1.1) and from resolvers (127.0.0.53).
_NETWORK = "127.86"
_FIRST, _LAST = 1, 250
_CLAIM = 2378


@contextlib.contextmanager
def claimed(ports: Sequence[int]) -> Iterator[str]:
    """Yield an address on which each of these ports is free and which no other server takes meanwhile.

    The claim is a socket: it ends with the process that made it, however that ends.

    Raises:
        RuntimeError: when no address is left, or the machine lets nothing listen on them.
    """
    with contextlib.ExitStack() as held:
        yield _first(held, ports)


def _first(held: contextlib.ExitStack, ports: Sequence[int]) -> str:
    problem: OSError | None = None
    for number in range(_FIRST, _LAST + 1):
        address = f"{_NETWORK}.{number}.1"
        try:
            with contextlib.ExitStack() as tried:
                claim = tried.enter_context(_listening(address, _CLAIM))
                for port in ports:
                    _listening(address, port).close()
                tried.pop_all()
        except OSError as error:
            problem = error
            continue
        held.enter_context(claim)
        return address
    raise RuntimeError(f"no address {_NETWORK}.N.1 is free on the ports {_CLAIM} and {ports}: {problem}")


def _listening(address: str, port: int) -> socket.socket:
    made = socket.socket()
    try:
        # A closed connection of an earlier owner does not make the port taken; a listener does.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
        made.listen()
    except OSError:
        made.close()
        raise
    return made
