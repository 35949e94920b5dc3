"""A program at a commit: its merge base, and its settings without connection and keys."""

from pathlib import Path

import pytest

from tools.delivery import program
from tools.delivery.program import Program
from tools.toolchain.errors import UserError

from .repository import Repository


@pytest.fixture
def clone(tmp_path: Path) -> Repository:
    """Return a repository with one stack."""
    made = Repository(folder=tmp_path / "clone")
    made.folder.mkdir()
    made.git("init", "--quiet", "--initial-branch", "main")
    (made.folder / "Pulumi.dev.yaml").write_text("config: {a: 1}\n")
    return made


def test_the_base_is_where_the_branch_departed_and_not_where_main_is_now(clone: Repository) -> None:
    departed = clone.commit()
    clone.git("checkout", "--quiet", "-b", "branch")
    clone.commit("on the branch")
    clone.git("checkout", "--quiet", "main")
    clone.commit("on main")
    clone.git("checkout", "--quiet", "branch")

    assert program.base(clone.folder, "main") == departed


def test_a_stack_whose_name_has_dots_is_one(tmp_path: Path) -> None:
    for name in ("dev", "eu.prod"):
        (tmp_path / f"Pulumi.{name}.yaml").write_text(f"config: {{namespace: shop-{name}}}\n")
    assert Program(folder=tmp_path).stacks() == ["dev", "eu.prod"]
    assert Program(folder=tmp_path).settings("eu.prod") == {"feastflow:namespace": "shop-eu.prod"}


@pytest.mark.parametrize("edge", ["", "  feastflow:edge: {tls: {enabled: true}}\n"])
def test_a_stack_that_was_told_no_host_yet_is_previewed_with_a_name_in_its_place(
    tmp_path: Path, edge: str
) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(f"config:\n  feastflow:namespace: shop\n  feastflow:environment: dev\n{edge}")
    assert Program(folder=tmp_path).settings("dev")["feastflow:edge"]["host"] == "not-set.example.com"

    file.write_text(
        f"{file.read_text().partition('  feastflow:edge')[0]}  feastflow:edge: {{host: a.test}}\n"
    )
    assert Program(folder=tmp_path).settings("dev")["feastflow:edge"] == {"host": "a.test"}


def test_the_bases_files_are_had_without_touching_the_checkout(clone: Repository, tmp_path: Path) -> None:
    commit = clone.commit()
    (clone.folder / "Pulumi.dev.yaml").write_text("config: {a: 2}\n")
    before = program.at(clone.folder, commit, tmp_path / "base")

    assert before.settings("dev") == {"feastflow:a": 1}
    assert Program(folder=clone.folder).settings("dev") == {"feastflow:a": 2}
    assert before.stacks() == ["dev"]
    assert "worktree" not in clone.git("worktree", "list").replace(str(clone.folder), "")


def test_a_base_that_is_not_there_is_refused_with_what_to_fetch(clone: Repository) -> None:
    clone.commit()

    with pytest.raises(UserError, match="the base origin/main is not to be found") as caught:
        program.base(clone.folder, "origin/main")

    assert "git fetch --unshallow origin" in caught.value.fix


def test_the_connection_is_left_out_and_what_is_encrypted_is_told_apart_only(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(
        "encryptionsalt: x\nconfig:\n  kubernetes:context: theirs\n  kubernetes:kubeconfig: {secure: v1:a}\n"
        "  shop:a: {secure: v1:one}\n  shop:b: [{deep: {secure: v1:two}}]\n  shop:c: plain\n"
    )
    settings = Program(folder=tmp_path).settings("dev")

    assert set(settings) == {"shop:a", "shop:b", "shop:c"}
    assert settings["shop:c"] == "plain"
    assert settings["shop:a"].startswith("encrypted-")
    assert settings["shop:a"] != settings["shop:b"][0]["deep"]
    assert "v1:" not in repr(settings)
