"""The workflows: linters' findings, permissions, and that they run the developers' commands."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.delivery import __main__ as command
from tools.delivery import comment, protection
from tools.delivery import report as reports
from tools.delivery.report import Preview, Report

from . import repository
from .repository import ROOT, WORKFLOWS, Ran
from .web import serving

_FILES = sorted(WORKFLOWS.glob("*.yml"))
_ACTION = re.compile(r"uses: (actions/[a-z-]+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+")
_WRITES = {
    ("comment.yml", "pull-requests"),
    ("deploy.yml", "id-token"),
    ("deploy.yml", "packages"),
    ("drift.yml", "id-token"),
    ("drift.yml", "issues"),
    ("images.yml", "id-token"),
    ("images.yml", "packages"),
    ("stack.yml", "id-token"),
}


_PULL = {"number": 5, "head": {"sha": "a" * 40}}


def _document(path: Path) -> dict[Any, Any]:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def _run(*arguments: str | Path) -> str:
    done = subprocess.run(  # noqa: S603 - pinned tools
        list(map(str, arguments)), cwd=ROOT, capture_output=True, text=True, check=False
    )
    return f"{done.returncode}\n{done.stdout}{done.stderr}"


def test_actionlint_finds_nothing(actionlint: Path) -> None:
    # These two would judge the steps' scripts, which the tests run, and which have no Python.
    assert _run(actionlint, "-no-color", "-shellcheck=", "-pyflakes=", *_FILES) == "0\n"


def test_zizmor_finds_nothing_but_the_one_that_is_explained(zizmor: Path) -> None:
    said = _run(zizmor, "--offline", "--no-progress", "--no-config", "--format", "plain", WORKFLOWS)

    assert said.startswith("0\n"), said
    ignored = [line for path in _FILES for line in path.read_text().splitlines() if "zizmor: ignore" in line]
    assert len(ignored) == 1
    assert "dangerous-triggers" in ignored[0]


def test_zizmor_would_find_a_hole(zizmor: Path, tmp_path: Path) -> None:
    hole = (
        (WORKFLOWS / "preview.yml").read_text().replace("make --no", "echo ${{ github.head_ref }}; make --no")
    )
    (tmp_path / "hole.yml").write_text(hole)

    assert "template-injection" in _run(
        zizmor, "--offline", "--no-progress", "--format", "plain", tmp_path / "hole.yml"
    )


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.name)
def test_every_action_is_githubs_own_and_pinned_by_commit(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    used = re.findall(r"uses: .*", text)

    assert all(_ACTION.fullmatch(line) or line.startswith("uses: ./.github/workflows/") for line in used)


def test_an_action_has_one_version_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for path in _FILES:
        for name, commit in _ACTION.findall(path.read_text(encoding="utf-8")):
            pins.setdefault(name, set()).add(commit)

    assert pins
    assert all(len(commits) == 1 for commits in pins.values())


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.name)
def test_a_job_may_read_and_the_few_that_may_write_are_these(path: Path) -> None:
    document = _document(path)
    assert document["permissions"] == {}
    for job in document["jobs"].values():
        written = {name for name, right in job["permissions"].items() if right == "write"}
        assert {(path.name, name) for name in written} <= _WRITES


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.name)
def test_no_workflow_knows_a_secret_and_no_checkout_leaves_a_token_behind(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert "secrets." not in text
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")


def test_what_runs_a_strangers_program_has_nothing_to_lose() -> None:
    (job,) = _document(WORKFLOWS / "preview.yml")["jobs"].values()

    assert job["permissions"] == {"contents": "read"}
    assert "environment" not in job
    assert not re.search(
        r"github\.token|GH_TOKEN|pull_request_target", (WORKFLOWS / "preview.yml").read_text()
    )


def test_what_may_comment_runs_no_code_of_the_pull_requests() -> None:
    (job,) = _document(WORKFLOWS / "comment.yml")["jobs"].values()
    (checkout,) = [step for step in job["steps"] if "uses" in step]

    assert checkout["with"]["ref"] == "${{ github.event.repository.default_branch }}"
    for step in job["steps"]:
        # A branch's name may be a program: it reaches the shell as a variable's value alone.
        assert "${{" not in step.get("run", "")


def test_prod_comes_after_dev_behind_its_environment_and_two_never_meet() -> None:
    jobs = _document(WORKFLOWS / "deploy.yml")["jobs"]
    (job,) = _document(WORKFLOWS / "stack.yml")["jobs"].values()

    assert jobs["prod"]["needs"] == ["images", "dev"]
    assert "needs.dev.result == 'success'" in jobs["prod"]["if"]
    for stack in ("dev", "prod"):
        given = jobs[stack]["with"]
        assert (given["task"], given["stack"], given["environment"]) == ("deploy", stack, stack)
    assert job["environment"] == "${{ inputs.environment }}"
    assert job["concurrency"] == {
        "group": "${{ inputs.task }}-${{ inputs.stack }}",
        "cancel-in-progress": False,
    }


def test_nothing_is_built_or_deployed_before_the_same_commits_tests_have_passed() -> None:
    document = _document(WORKFLOWS / "deploy.yml")
    jobs = document["jobs"]
    checkouts = [
        step["with"]["ref"]
        for name in ("stack.yml", "images.yml")
        for job in _document(WORKFLOWS / name)["jobs"].values()
        for step in job["steps"]
        if "checkout" in step.get("uses", "")
    ]

    # YAML reads the key `on` as true.
    assert document[True] == {"push": {"branches": ["main"]}}
    assert jobs["test"]["uses"] == "./.github/workflows/test.yml"
    assert jobs["images"]["needs"] == "test"
    assert jobs["dev"]["needs"] == ["test", "images"]
    assert "needs.test.result == 'success'" in jobs["dev"]["if"]
    assert checkouts == ["${{ github.sha }}"] * 2


def test_a_task_on_a_stack_is_described_once_and_installs_no_more_than_deploying_needs() -> None:
    (job,) = _document(WORKFLOWS / "stack.yml")["jobs"].values()
    called = [
        job["uses"]
        for name in ("deploy.yml", "drift.yml")
        for job in _document(WORKFLOWS / name)["jobs"].values()
        if job.get("with", {}).get("task")
    ]

    assert called == ["./.github/workflows/stack.yml"] * 3
    assert job["env"]["REQUIREMENTS"] == "requirements.txt"
    assert [path.name for path in _FILES if "delivery identify" in path.read_text()] == ["stack.yml"]


def test_the_images_that_were_built_go_to_both_stacks_by_digest() -> None:
    jobs = _document(WORKFLOWS / "deploy.yml")["jobs"]
    outputs = _document(WORKFLOWS / "images.yml")[True]["workflow_call"]["outputs"]

    for stack in ("dev", "prod"):
        for tier in ("backend", "frontend"):
            assert jobs[stack]["with"][f"{tier}-image"] == f"${{{{ needs.images.outputs.{tier} }}}}"
    assert sorted(outputs) == ["backend", "frontend"]


def test_continuous_integration_runs_the_developers_commands() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    scripts = [
        step["run"]
        for path in _FILES
        for job in _document(path)["jobs"].values()
        for step in job.get("steps", [])
        if "run" in step
    ]
    made = {
        word
        for script in scripts
        for line in re.findall(r"\bmake ((?:[\w-]+ ?)+)", script)
        for word in line.split()
        if not word.startswith("-")
    }

    assert made == {"pull-request-preview", "up", "venv"}
    assert made <= targets
    assert ".ci/run" in scripts


def test_the_step_after_a_failed_deployment_says_what_to_do(tmp_path: Path) -> None:
    (step,) = [
        step for step in repository.steps("stack.yml", "stack") if step.get("if", "").startswith("failure()")
    ]
    summary = tmp_path / "summary.md"
    ran = repository.run(step, ROOT, {}, {"GITHUB_STEP_SUMMARY": str(summary), "STACK": "prod"})

    assert ran.code == 0, ran.out
    assert "run the last good run of this workflow again" in summary.read_text()
    assert "dev has this release already" in summary.read_text()


@pytest.fixture
def comment_step(tmp_path: Path) -> Callable[..., Ran]:
    """Run the step that comments, in a checkout of main, by a Python with nothing but its own library."""
    (step,) = [step for step in repository.steps("comment.yml", "comment") if step["name"] == "Comment"]
    bare = step | {"run": step["run"].replace("python3 -m", f"{sys.executable} -S -m")}
    clone = tmp_path / "clone"
    clone.mkdir()
    for room in ("tools/delivery", "tools/toolchain", "components/settings/values"):
        (clone / room).parent.mkdir(parents=True, exist_ok=True)
        (clone / room).symlink_to(ROOT / room)
    known = {
        "github.token": "t",
        "github.event.workflow_run.head_sha": "a" * 40,
        "github.event.workflow_run.head_repository.owner.login": "stranger",
        # A branch may be called that.
        "github.event.workflow_run.head_branch": "x$(touch${IFS}pwned)",
    }

    def run(**environment: str) -> Ran:
        given = {"RUNNER_TEMP": str(tmp_path), "GITHUB_REPOSITORY": "a/b", **environment}
        ran = repository.run(bare, clone, known, given)
        assert not (clone / "pwned").exists()
        return ran

    return run


def test_the_job_that_comments_takes_no_report_of_another_shape(
    comment_step: Callable[..., Ran], tmp_path: Path
) -> None:
    assert "report.json is no file" in comment_step().out
    (tmp_path / "preview").mkdir()
    (tmp_path / "preview" / "report.json").write_text('{"body": "@everybody"}')
    ran = comment_step()

    assert ran.code == 1
    assert "found: the report cannot be read" in ran.out


def test_the_job_that_comments_comments_the_report(comment_step: Callable[..., Ran], tmp_path: Path) -> None:
    report = Report(base="b" * 40, head="a" * 40, previews=(Preview(stack="dev", unchanged=51),))
    (tmp_path / "preview").mkdir()
    (tmp_path / "preview" / "report.json").write_text(reports.written(report))
    with serving() as web:
        web.answer = lambda asked: (
            200,
            [_PULL] if "/pulls?" in asked.path else [],
        )
        ran = comment_step(GITHUB_API_URL=web.url)

    assert (ran.code, ran.out) == (0, "commented: 5\n")
    assert [(asked.method, asked.path) for asked in web.asked][-1] == ("POST", "/repos/a/b/issues/5/comments")
    assert json.loads(web.asked[-1].body) == {"body": comment.text(report)}


@pytest.mark.parametrize("has_it", [True, False])
def test_the_labels_in_the_comment_are_githubs_and_not_the_reports(
    comment_step: Callable[..., Ran], tmp_path: Path, *, has_it: bool
) -> None:
    found = Preview(stack="prod", unprotected=("Namespace shop",))
    report = Report(base="b" * 40, head="a" * 40, previews=(found,))
    agreed = str(protection.label(report))
    (tmp_path / "preview").mkdir()
    (tmp_path / "preview" / "report.json").write_text(reports.written(replace(report, labels=(agreed,))))
    pull = {**_PULL, "labels": [{"name": "bug"}, *([{"name": agreed}] if has_it else [])]}
    with serving() as web:
        web.answer = lambda asked: (200, [pull] if "/pulls?" in asked.path else [])
        assert comment_step(GITHUB_API_URL=web.url).code == 0

    body = json.loads(web.asked[-1].body)["body"]
    assert ("Agreed to by the label" in body) == has_it
    assert ("**this must not be merged as it is**" in body) != has_it


def test_the_step_that_identifies_says_where_it_goes_and_what_is_missing(tmp_path: Path) -> None:
    (step,) = [step for step in repository.steps("stack.yml", "stack") if step["name"] == "Identify"]
    names = ("AWS_ROLE", "CLUSTER_SERVER", "CLUSTER_CA", "CLUSTER_AUDIENCE")
    known = dict.fromkeys((f"vars.{name}" for name in names), "https://of.a.test")
    job = {
        "CONTEXT": "deploy",
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "AWS_CONFIG_FILE": str(tmp_path / "aws"),
        "PULUMI_BACKEND_URL": "s3://state",
    }
    ran = repository.run(step, ROOT, known, job)
    lacking = repository.run(step, ROOT, known | {"vars.CLUSTER_SERVER": ""}, job)

    assert (ran.code, ran.out) == (0, "a kubeconfig for https://of.a.test\nAWS as https://of.a.test\n")
    assert lacking.code == 1
    assert "CLUSTER_SERVER is not set" in lacking.out


def test_the_commands_that_the_workflows_call_exist(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--help"])
    helped = capsys.readouterr().out
    called = {
        name
        for path in _FILES
        for name in re.findall(r"python3 -m tools.delivery (\w+)", path.read_text(encoding="utf-8"))
    }

    assert called == {"post", "identify", "advise", "drift", "images"}
    assert all(name in helped for name in called)
