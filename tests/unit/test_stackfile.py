"""The reader of stack files: the values that Pulumi's engine reads, and those that must be quoted."""

import contextlib
import contextvars
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.settings import reader
from components.settings.file import stackfile
from components.settings.model.stack import Stack
from policies import configuration
from policies.table import known
from tools.delivery.program import Program
from tools.stacks import workspace
from tools.toolchain.errors import UserError

from .. import awkward
from .recorder import encode
from .test_settings import MINIMAL, refusal


def same(left: object, right: object) -> bool:
    """Return True if both are the same JSON: 1 is neither true nor 1.0."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


@pytest.mark.parametrize("name", awkward.READ)
def test_a_file_says_what_the_engine_makes_of_it(name: str) -> None:
    content, config = awkward.READ[name]
    assert same(stackfile.read(content).config, config)


@pytest.mark.parametrize("values", [awkward.KEPT, awkward.ALTERED])
def test_a_scalar_is_what_the_engine_makes_of_it(values: dict[str, object]) -> None:
    text, config = awkward.environment(values)
    found = stackfile.read(text).config
    for written, name in zip(values, config["feastflow:backend"]["env"], strict=True):
        value = found["feastflow:backend"]["env"][name]
        assert same(value, values[written]), written


@pytest.mark.parametrize("name", [*awkward.REFUSED, *awkward.REFUSED_BY_US])
def test_what_the_engine_does_not_read_is_refused_in_words(name: str) -> None:
    content = awkward.REFUSED.get(name) or awkward.REFUSED_BY_US[name]
    with pytest.raises(stackfile.StackFileError) as error:
        stackfile.read(content)
    assert len(str(error.value).splitlines()) == 1


def test_a_few_lines_do_not_stand_for_a_whole_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    with pytest.raises(stackfile.StackFileError, match="stand for too much"):
        stackfile.read("\n".join([*lines, "config: {feastflow:b: *a8}"]))
    with pytest.raises(stackfile.StackFileError, match="nested too deeply"):
        stackfile.read(f"config: {{a: {'[' * 5000}{']' * 5000}}}")


@pytest.mark.parametrize("written", awkward.ALTERED)
def test_a_text_that_would_arrive_as_another_one_is_told_to_be_quoted(written: str) -> None:
    for text, key in (
        (f"config: {{feastflow:backend: {{env: {{A: {written}}}}}}}\n", "feastflow:backend.env.A"),
        (
            f"config: {{frontend: {{release: {{green: {{env: {{A: {written}}}}}}}}}}}\n",
            ".release.green.env.A",
        ),
        (f"config: {{backend: {{jobs: {{x: {{env: {{a.b: {written}}}}}}}}}}}\n", '.jobs.x.env["a.b"]'),
        (f"config: {{backend: {{args: [--mode, {written}]}}}}\n", "feastflow:backend.args[1]"),
        (f"config: {{backend: {{migrations: {{command: [x, {written}]}}}}}}\n", ".migrations.command[1]"),
    ):
        (problem,) = stackfile.problems(stackfile.read(text))
        first, found, _, remedy = problem.splitlines()
        assert first.endswith(key)
        assert "in line 1" in found
        is_line = "begin it with the first line" in remedy
        assert is_line if "\\n" in written else "quote it" in remedy


@pytest.mark.parametrize("written", awkward.KEPT)
def test_what_arrives_as_it_is_written_needs_no_quotes(written: str) -> None:
    assert not stackfile.problems(stackfile.read(f"config:\n  b:\n    env:\n      A: {written}\n"))


def test_numbers_that_are_meant_as_numbers_need_no_quotes() -> None:
    assert not stackfile.problems(stackfile.read("config: {feastflow:backend: {poolSize: 0x3, x: 1e3}}\n"))


@pytest.mark.parametrize(
    "value", [2.1, 0.5, "2030-01-31 00:00:00 +0000 UTC", "2001-12-14 21:59:43.1 -0500 -0500", None]
)
def test_without_the_file_what_may_have_been_written_otherwise_is_told_to_be_quoted(value: object) -> None:
    job = {"schedule": "@daily", "command": ["x"]}
    for tier, section, key in (
        ("backend", {"env": {"A": value}}, "env.A"),
        (
            "frontend",
            {"release": {"strategy": "canary", "canary": {"env": {"A": value}}}},
            "release.canary.env.A",
        ),
        ("backend", {"jobs": {"x": {**job, "env": {"A": value}}}}, "jobs.x.env.A"),
    ):
        told = refusal(**{tier: section})
        assert f"\nfeastflow:{tier}.{key}\n" in told
        assert "quote it" in told


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(workspace, "_ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", awkward.READ)
def test_every_command_reads_a_file_alike(name: str, checkout: Path) -> None:
    content, config = awkward.READ[name]
    path = checkout / "Pulumi.dev.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    assert same(workspace.settings("dev"), config)
    assert same(Program(folder=checkout).settings("dev"), config)
    # What `make up` and the previews write for the CLI is read as the same.
    written = stackfile.write({"config": workspace.settings("dev")})
    assert same(stackfile.read(written).config, config)


@pytest.mark.parametrize("name", awkward.REFUSED)
def test_every_command_refuses_a_file_by_its_name(name: str, checkout: Path) -> None:
    content = awkward.REFUSED[name]
    path = checkout / "Pulumi.dev.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(UserError, match=r"fix Pulumi.dev.yaml"):
        workspace.settings("dev")
    with pytest.raises(UserError, match=r"fix Pulumi.dev.yaml"):
        Program(folder=checkout).settings("dev")
    assert "fix Pulumi.dev.yaml" in Program(folder=checkout).refused("dev")
    assert Program(folder=checkout).destination("dev") == {}


def test_every_command_has_an_altered_text_quoted(checkout: Path) -> None:
    (checkout / "Pulumi.dev.yaml").write_text("config: {feastflow:backend: {env: {MODE: 0755}}}\n")
    with pytest.raises(UserError, match=r"feastflow:backend\.env\.MODE"):
        workspace.settings("dev")
    assert "quote it" in Program(folder=checkout).refused("dev")


def load(monkeypatch: pytest.MonkeyPatch, folder: Path, config: dict[str, Any]) -> Stack:
    """Read the settings as the program does, whose project is in this folder."""
    raw = {key: encode(value) for key, value in {**MINIMAL, **config}.items()}
    monkeypatch.setattr(pulumi, "get_root_directory", lambda: str(folder))
    monkeypatch.setattr(pulumi, "get_stack", lambda: "dev")

    def run() -> Stack:
        pulumi.runtime.set_all_config(raw, [])
        return reader.load()[0]

    return contextvars.Context().run(run)


@pytest.mark.parametrize(("engine", "is_refused"), [(511, True), (512, False)])
def test_the_program_itself_has_an_altered_text_quoted_where_the_file_is_in_force(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: int,
    is_refused: bool,  # noqa: FBT001 - an expectation
) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(
        "config: {feastflow:namespace: shop, feastflow:backend: {env: {MODE: 0777}}}\n"
    )
    config = {"feastflow:backend": {"env": {"MODE": engine}}}
    if not is_refused:
        assert load(monkeypatch, tmp_path, config).backend.env == {"MODE": "512"}
        return
    with pytest.raises(pulumi.RunError, match="quote it"):
        load(monkeypatch, tmp_path, config)


def test_an_exemption_may_end_on_a_day_without_quotes() -> None:
    day = dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=30)
    text = (
        "config:\n  policies:exemptions:\n"
        f"    - {{rule: read-only-root, resource: Deployment/legacy, reason: old, expires: {day}}}\n"
    )
    raw = {key: encode(value) for key, value in stackfile.read(text).config.items()}
    (exemption,) = configuration.parse(raw, known()).exemptions
    assert exemption.expires == day


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer())
    | st.sampled_from(
        [*awkward.KEPT, *awkward.ALTERED, "<<", "~", "null", "", " x ", "\nx", "a: b", "- x", "---"]
    )
    | st.text("a1_-:.#[]{}\"'\\\n \té", max_size=8).filter(lambda text: not text.startswith("\t")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab1.-", min_size=1, max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(values.filter(lambda value: value is not None))
def test_what_is_written_is_read_as_itself(value: object) -> None:
    config = {"feastflow:b": value}
    assert same(stackfile.read(stackfile.write({"config": config})).config, config)


@given(st.text("config: {}[]&*!|>'\"%@`#,?-~<\n\t 0x1.e:", max_size=60) | st.binary(max_size=40))
def test_no_file_at_all_makes_a_traceback(content: str | bytes) -> None:
    with contextlib.suppress(stackfile.StackFileError):
        stackfile.read(content)


@pytest.mark.parametrize("command", ['["sh", "-c", "\\nx"]', "\n    - sh\n    - |\n\n      x"])
def test_a_text_that_loses_its_first_line_is_not_told_to_be_quoted(command: str) -> None:
    file = stackfile.read(f"config:\n  feastflow:backend:\n    command: {command}\n")
    (told,) = stackfile.problems(file)
    assert "begins with an empty line loses that line" in told
    assert "quote it" not in told
