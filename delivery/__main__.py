"""`python -m delivery`: a pull request's preview and comment, the issue of drift, a deployment's identity."""

import argparse
import contextlib
import dataclasses
import json
import os
import sys
import time
from pathlib import Path

from delivery import advice, comment, drift, github, identity, verdict
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
    preview.add_argument(
        "--report", type=Path, default=os.environ.get("REPORT") or None, help="where to write it as JSON"
    )
    preview.add_argument(
        "--agreed",
        default=os.environ.get("AGREED") or "[]",
        help="the label that agrees to what is removed, or all labels of the pull request as JSON",
    )
    post = commands.add_parser("post", help="comment a report; needs no more than Python's own library")
    post.add_argument("report", type=Path)
    drifted = commands.add_parser("drift", help="open, update or close the issue of drift")
    drifted.add_argument("reports", type=Path, nargs="+")
    commands.add_parser("identify", help="write what a deployment needs to show who it is")
    token = commands.add_parser("token", help="a token for the cluster, as kubectl asks for it")
    token.add_argument("--audience", required=True)
    aws = commands.add_parser("aws", help="an hour's keys of a role, as the AWS libraries ask for them")
    aws.add_argument("--role", required=True)
    commands.add_parser("advise", help="what to do after a deployment that failed")
    chosen = parser.parse_args(arguments)
    if chosen.command == "preview":
        return _preview(chosen.base, chosen.report, _labels(chosen.agreed))
    said = {
        "post": lambda: _post(chosen.report),
        "drift": lambda: drift.keep(github.repository(os.environ), drift.load(chosen.reports)),
        "identify": lambda: "\n".join(identity.write(os.environ)),
        "token": lambda: identity.cluster(chosen.audience, os.environ),
        "aws": lambda: identity.aws(chosen.role, os.environ),
        "advise": lambda: advice.text(os.environ.get("STACK") or "dev"),
    }
    say(said[chosen.command]())
    return 0


def _labels(text: str) -> tuple[str, ...]:
    return tuple(map(str, json.loads(text))) if text.startswith("[") else (text,)


def _post(file: Path) -> str:
    place = github.of(os.environ)
    found = dataclasses.replace(reports.load(file), labels=github.labels(place))
    return github.post(place, comment.text(found))


def _preview(ref: str, file: Path | None, labels: tuple[str, ...]) -> int:
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
            found = pullrequest.report(_ROOT, ref, cli, venv, labels)
            step.result(f"{len(found.previews)} stacks in {elapsed(time.monotonic() - started)}")
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(reports.written(found), encoding="utf-8")
    say(comment.text(found))
    return 1 if verdict.failed(found) else 0


if __name__ == "__main__":
    console.run(main)
