"""`python -m tests.acceptance`: the parts named by PART, all without it. `make acceptance` calls it."""

import os
import subprocess
import sys

import pytest

from tools.toolchain import console

from .parts import SLOW, command, lanes


def main() -> int:
    """Run what the environment's PART, ORDER and KEEP say; arguments go to pytest as they are."""
    part, order, keep = (os.environ.get(name, "") for name in ("PART", "ORDER", "KEEP"))
    arguments, slow = command(part, order, keep), lanes(part)
    codes = [_slow(slow)] if slow else []
    if arguments:
        codes.append(int(pytest.main([*arguments, *sys.argv[1:]])))
    return next((code for code in codes if code), 0)


def _slow(names: tuple[str, ...]) -> int:
    environment = {**os.environ, SLOW.upper(): "only"}
    ran = subprocess.run([sys.executable, "-m", "tests.lanes", *names], env=environment, check=False)  # noqa: S603
    return ran.returncode


if __name__ == "__main__":
    console.run(main)
