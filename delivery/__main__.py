"""`python -m delivery`: preview a pull request, and put the outcome into its one comment."""

import argparse
import contextlib
import os
import sys
import time
from pathlib import Path

from delivery import comment, github, verdict
from delivery import report as reports
from toolchain import console
from toolchain.console import elapsed, say

_ROOT = Path(__file__).parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and do it; 1 when the preview stops the pull request."""
    parser = argparse.ArgumentParser(prog="python -m delivery", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    preview = commands.add_parser("preview", help="compare this checkout with its base, in every stack")
    preview.add_argument("--base", default=os.environ.get("BASE") or "origin/main", help="(%(default)s)")
    preview.add_argument("--report", type=Path, default=None, help="where to write the report as JSON")
    post = commands.add_parser("post", help="comment a report; needs no more than Python's own library")
    post.add_argument("report", type=Path)
    chosen = parser.parse_args(arguments)
    return _preview(chosen.base, chosen.report) if chosen.command == "preview" else _post(chosen.report)


def _preview(ref: str, file: Path | None) -> int:
    # What only a preview needs is not there where a report is commented.
    from delivery import pullrequest  # noqa: PLC0415
    from toolchain import environment, pulumi  # noqa: PLC0415
    from toolchain.console import Step  # noqa: PLC0415

    started = time.monotonic()
    with contextlib.redirect_stdout(sys.stderr):
        venv = environment.ensure()
        with Step("toolchain", "looking for pulumi") as step:
            cli = pulumi.ensure(venv, step)
        with Step("preview", f"every stack against {ref}") as step:
            found = pullrequest.report(_ROOT, ref, cli, venv)
            step.result(f"{len(found.previews)} stacks in {elapsed(time.monotonic() - started)}")
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(reports.written(found), encoding="utf-8")
    say(comment.text(found))
    return 1 if verdict.failed(found) else 0


def _post(file: Path) -> int:
    report = reports.load(file)
    say(github.post(github.of(os.environ), comment.text(report)))
    return 0


if __name__ == "__main__":
    console.run(main)
