"""`python -m tools.toolchain`: have the tools ready, and print what to put on PATH to use them by hand."""

import contextlib
import shlex
import sys

from tools.toolchain import console, environment, golang, pins, pulumi
from tools.toolchain.console import Step


def main() -> None:
    """Make what is missing; print shell assignments for `eval`, and the progress on standard error."""
    with contextlib.redirect_stdout(sys.stderr):
        venv = environment.ensure()
        with Step("toolchain", "looking for pulumi") as step:
            cli = pulumi.ensure(venv, step)
        with Step("kubectl", "looking for kubectl and kind") as step:
            kind = golang.binaries(pins.KIND_BUILD, step)
    variables = cli.lasting
    variables["PATH"] = f"{kind}:{variables['PATH']}"
    for name, value in variables.items():
        console.say(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    console.run(main)
