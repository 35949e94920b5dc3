"""Every stack of a pull request, previewed side by side."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from tools.delivery import program
from tools.delivery.engine import Engine
from tools.delivery.program import Program
from tools.delivery.report import Preview, Report, Violation
from tools.toolchain.pulumi import Pulumi


def report(repository: Path, ref: str, cli: Pulumi, venv: Path, labels: tuple[str, ...] = ()) -> Report:
    """Return what this checkout, with what is not yet committed, changes since it departed from `ref`.

    `labels` are the pull request's.
    """
    commit = program.base(repository, ref)
    with tempfile.TemporaryDirectory(prefix="feastflow-preview-") as room:
        before = program.at(repository, commit, Path(room) / ".base")
        now = Program(folder=repository)

        def one(stack: str) -> Preview:
            engine = Engine(folder=Path(room) / stack, stack=stack, cli=cli, venv=venv)
            if stack not in before.stacks():
                return replace(engine.preview(now), new=True)
            error = engine.deploy(before)
            if error:
                engine = replace(engine, folder=Path(room) / f"{stack}-empty")
            moved = program.moved(before.destination(stack), now.destination(stack))
            return replace(engine.preview(now), base_error=error, moved=moved)

        # Two at a time: an engine waits for its program and its providers half of the time.
        with ThreadPoolExecutor(max_workers=2) as pool:
            previews = tuple(pool.map(one, now.stacks()))
        gone = (_gone(stack) for stack in before.stacks() if stack not in now.stacks())
        previews = (*previews, *gone)
    return Report(base=commit, head=program.head(repository), previews=previews, labels=labels)


def _gone(stack: str) -> Preview:
    """Report a stack whose file is deleted: to be seen, and no reason to stop, for it may be destroyed."""
    said = f"Pulumi.{stack}.yaml is deleted. What the stack deployed stays until `pulumi destroy`."
    return Preview(stack=stack, violations=(Violation(policy="stack-gone", level="advisory", message=said),))
