"""A temporary git repository with the project in it, and the steps of a workflow, run there as scripts."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..harness import localstack

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
# Files that tools write in the checkout, some while it is copied, and the tests, which no preview reads.
_LEFT_OUT = (
    *(".git", ".venv*", ".*_cache", "pytest-cache-files-*", "__pycache__", "node_modules", ".hypothesis"),
    *("artifacts", "build", "tests"),
)
_LIMIT_SECONDS = 600
_IDENTITY = {
    "GIT_AUTHOR_NAME": "test",
    "GIT_AUTHOR_EMAIL": "test@example.com",
    "GIT_COMMITTER_NAME": "test",
    "GIT_COMMITTER_EMAIL": "test@example.com",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A clone of the project. Its environment is this one's, by link, as `make venv` would have it."""

    folder: Path

    def git(self, *arguments: str) -> str:
        """Run git there."""
        command = ["git", "-C", str(self.folder), *arguments]
        done = subprocess.run(  # noqa: S603 - the machine's git
            command, env={**os.environ, **_IDENTITY}, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, message: str = "of a test") -> str:
        """Commit everything; returns the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that stands in the file once."""
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{path} has {old!r} {text.count(old)} times"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def configure(self, stack: str, **settings: Any) -> None:
        """Set keys of a stack's file; `__` stands for the colon."""
        file = self.folder / f"Pulumi.{stack}.yaml"
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        document["config"] |= {key.replace("__", ":"): value for key, value in settings.items()}
        file.write_text(yaml.safe_dump(document), encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class Ran:
    """The result of a script: its exit code and its output."""

    code: int
    out: str


def made(folder: Path, stacks: tuple[str, ...]) -> Repository:
    """The project as it stands here, committed, with these stacks alone, whose files say everything."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=True)
    (folder / ".venv").symlink_to(Path(sys.prefix).resolve())
    for file in folder.glob("Pulumi.*.yaml"):
        if file.name.split(".")[1] not in stacks:
            file.unlink()
    localstack.settle(folder)
    repository = Repository(folder=folder)
    repository.git("init", "--quiet", "--initial-branch", "main")
    repository.commit()
    return repository


def steps(workflow: str, job: str) -> Iterator[dict[str, Any]]:
    """Yield the steps of a job that are scripts."""
    document = yaml.safe_load((WORKFLOWS / workflow).read_text(encoding="utf-8"))
    yield from (step for step in document["jobs"][job]["steps"] if "run" in step)


def run(
    step: Mapping[str, Any], folder: Path, known: Mapping[str, str], environment: Mapping[str, str]
) -> Ran:
    """Run a step as GitHub's runner does: by bash, its expressions put in from `known`."""
    given = {name: _put_in(str(value), known) for name, value in (step.get("env") or {}).items()}
    done = subprocess.run(  # noqa: S603 - the project's own workflow
        ["/bin/bash", "-e", "-c", _put_in(step["run"], known)],
        cwd=folder,
        env={**os.environ, **environment, **given},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_LIMIT_SECONDS,
        check=False,
    )
    return Ran(code=done.returncode, out=done.stdout)


def _put_in(text: str, known: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda found: known[found[1]], text)
