"""The judges' programs, which exit with 1 when they find something."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.toolchain import golang
from tools.toolchain.console import Step
from tools.toolchain.golang import Build

_LIMIT_SECONDS = 300


def compiled(build: Build) -> Path:
    """Return the folder with the build's programs, compiled now unless they were compiled before."""
    with Step(build.module, "compiling what judges the manifests") as step:
        return golang.binaries(build, step)


def said(
    command: Sequence[str],
    *,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> str:
    """Run a judge and return its standard output."""
    done = subprocess.run(  # noqa: S603 - the judges are the project's own, pinned
        list(command),
        input=stdin,
        env=env,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=_LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode in {0, 1}, f"{command[0]} ended with {done.returncode}\n{done.stderr}"
    assert done.stdout.strip(), f"{command[0]} said nothing\n{done.stderr}"
    return done.stdout
