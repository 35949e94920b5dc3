"""A move in a process of its own, which a test can kill: `python -m tests.state.killed CHECKOUT BACKEND`."""

import sys
from pathlib import Path

from tools.stacks import workspace
from tools.state.address import parse
from tools.toolchain import cache, pulumi
from tools.toolchain.console import Step

from .parcel import Parcel

if __name__ == "__main__":
    workspace._ROOT = Path(sys.argv[1])
    with Step("toolchain", "looking for pulumi") as step:
        cli = pulumi.ensure(Path(sys.prefix), step)
    Parcel(home=cache.state_home(), cli=cli).move(parse(sys.argv[2]))
