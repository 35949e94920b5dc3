"""`python -m tools.delivery`: a pull request's preview and comment, drift's issue, a deployment's needs."""

import argparse
import contextlib
import dataclasses
import json
import os
import sys
import time
from pathlib import Path

from tools.delivery import advice, comment, drift, github, identity, images, registry, verdict
from tools.delivery import report as reports
from tools.delivery.registry import Registry
from tools.toolchain import console
from tools.toolchain.console import elapsed, say

_ROOT = Path(__file__).parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and do it; 1 when the preview stops the pull request."""
    parser = argparse.ArgumentParser(prog="python -m tools.delivery", description=__doc__)
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
    role = commands.add_parser("deployer-role", help="a deployer's Role and ClusterRole as YAML")
    role.add_argument("--stack", default=os.environ.get("STACK") or "dev", help="the stack (%(default)s)")
    role.add_argument(
        "--subject",
        default=os.environ.get("SUBJECT") or "",
        help="the user's name at the API server; several are joined by commas",
    )
    made = commands.add_parser("images", help="a step of images.yml; needs no more than Python's own library")
    made.add_argument("step", choices=("build", "scan", "push", "sign", "hand"))
    settled = commands.add_parser("settle", help="the images of a deployment, by digest")
    settled.add_argument("record", type=Path)
    settled.add_argument("--stack", default=os.environ.get("STACK") or "dev", help="the stack (%(default)s)")
    pin = commands.add_parser("pin", help="write the digests of tags into a stack's file")
    pin.add_argument("--stack", default=os.environ.get("STACK") or "dev", help="the stack (%(default)s)")
    pin.add_argument(
        "--again",
        action="store_true",
        default=bool(os.environ.get("ALL")),
        help="also of images that have a digest",
    )
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
        "images": lambda: images.run(chosen.step),
        "settle": lambda: _settle(chosen.stack, chosen.record),
        "pin": lambda: _pin(chosen.stack, again=chosen.again),
        "deployer-role": lambda: _deployer(chosen.stack, chosen.subject),
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


def _deployer(stack: str, subjects: str) -> str:
    # The SDK is not there where a report is commented.
    from tools.delivery import deployer  # noqa: PLC0415
    from tools.render import program  # noqa: PLC0415
    from tools.stacks import workspace  # noqa: PLC0415

    config = workspace.settings(stack)
    project = str(workspace.project()["name"])
    objects = [each.inputs for each in program.objects(stack, config) if each.inputs.get("kind")]
    namespace = str(config[f"{project}:namespace"])
    named = [name.strip() for name in subjects.split(",") if name.strip()]
    return deployer.text(deployer.documents(objects, project, stack, namespace, named)).rstrip()


def _settle(stack: str, record: Path) -> str:
    # The stack's settings are YAML.
    from tools.delivery import settled  # noqa: PLC0415
    from tools.stacks import workspace  # noqa: PLC0415

    project = str(workspace.project()["name"])
    found = settled.settle(record, workspace.settings(stack), project, os.environ, _registry())
    return "\n".join(f"{tier}: {image}" for tier, image in found.items())


def _pin(stack: str, *, again: bool) -> str:
    # The stack's settings are YAML.
    from tools.delivery import pinning  # noqa: PLC0415
    from tools.stacks import workspace  # noqa: PLC0415

    workspace.settings(stack)
    file = _ROOT / f"Pulumi.{stack}.yaml"
    before = file.read_text(encoding="utf-8")
    after, found = pinning.pinned(before, str(workspace.project()["name"]), _registry().digest, again=again)
    if after != before:
        file.write_text(after, encoding="utf-8")
    lines = [f"{each.setting}: {each.after}{f' ({each.why})' if each.why else ''}" for each in found]
    return "\n".join(lines) or f"{file.name} names no image: there is nothing to write"


def _registry() -> Registry:
    return Registry(logins=registry.logins(os.environ))


def _preview(ref: str, file: Path | None, labels: tuple[str, ...]) -> int:
    # What only a preview needs is not there where a report is commented.
    from tools.delivery import pullrequest  # noqa: PLC0415
    from tools.toolchain import environment, pulumi  # noqa: PLC0415
    from tools.toolchain.console import Step  # noqa: PLC0415

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
