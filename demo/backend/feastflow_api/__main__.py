"""`python -m feastflow_api`: the API's process."""

import os
import signal
import sys


def run() -> int:
    """Start serving; a SIGTERM that comes before that ends the process with 0."""
    # As PID 1 of a container a process has no default for SIGTERM: one sent during imports would be lost.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    from feastflow_api.server import main  # noqa: PLC0415 - only after the line above

    return main(os.environ)


if __name__ == "__main__":
    sys.exit(run())
