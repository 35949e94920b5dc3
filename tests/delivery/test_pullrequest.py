"""Every stack of a pull request: one that is new, one whose base fails, one without changes."""

from pathlib import Path

import pytest

from tools.delivery import pullrequest, verdict
from tools.delivery.engine import Engine
from tools.delivery.program import Program
from tools.delivery.report import Preview
from tools.toolchain.pulumi import Pulumi

from .repository import Repository

_CLI = Pulumi(executable=Path("pulumi"), environment={}, official=True)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """Record the engine's calls: action, the name of its folder, the program's settings."""
    calls: list[tuple[str, str, str]] = []

    def deploy(engine: Engine, program: Program) -> str:
        calls.append(("deploy", engine.folder.name, str(program.settings(engine.stack))))
        return "it broke" if engine.stack == "broken" else ""

    def preview(engine: Engine, program: Program) -> Preview:
        calls.append(("preview", engine.folder.name, str(program.settings(engine.stack))))
        return Preview(stack=engine.stack)

    monkeypatch.setattr(Engine, "deploy", deploy)
    monkeypatch.setattr(Engine, "preview", preview)
    return calls


def test_each_stack_is_compared_with_what_the_base_makes_of_it(
    asked: list[tuple[str, str, str]], tmp_path: Path
) -> None:
    clone = Repository(folder=tmp_path / "clone")
    clone.folder.mkdir()
    clone.git("init", "--quiet", "--initial-branch", "main")
    for stack in ("broken", "dev", "gone"):
        (clone.folder / f"Pulumi.{stack}.yaml").write_text("config: {of: base}\n")
    base = clone.commit()
    (clone.folder / "Pulumi.gone.yaml").unlink()
    for stack in ("broken", "dev", "new"):
        (clone.folder / f"Pulumi.{stack}.yaml").write_text("config: {of: here}\n")

    report = pullrequest.report(clone.folder, "HEAD", _CLI, tmp_path, ("bug",))
    assert report.labels == ("bug",)

    assert (report.base, report.head) == (base, base)
    assert report.previews == (
        Preview(stack="broken", base_error="it broke"),
        Preview(stack="dev"),
        Preview(stack="new", new=True),
        pullrequest._gone("gone"),
    )
    assert verdict.failed(report) == []
    assert sorted(asked) == [
        ("deploy", "broken", "{'feastflow:of': 'base'}"),
        ("deploy", "dev", "{'feastflow:of': 'base'}"),
        ("preview", "broken-empty", "{'feastflow:of': 'here'}"),
        ("preview", "dev", "{'feastflow:of': 'here'}"),
        ("preview", "new", "{'feastflow:of': 'here'}"),
    ]
