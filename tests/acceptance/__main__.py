"""`python -m tests.acceptance`: the parts named by PART, all without it. `make acceptance` calls it."""

import os
import sys

import pytest

from tools.toolchain import console

from .parts import command


def main() -> int:
    """Run what the environment's PART, ORDER and KEEP say; arguments go to pytest as they are."""
    said = (os.environ.get(name, "") for name in ("PART", "ORDER", "KEEP"))
    return int(pytest.main([*command(*said), *sys.argv[1:]]))


if __name__ == "__main__":
    console.run(main)
