"""The kubeconfig is read as kubectl reads it."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import kubeconfig
from components.kubeconfig import Contexts
from components.model.stack import Kubeconfig


def config(name: str, *, current: str = "", **cluster: Any) -> dict[str, Any]:
    """A kubeconfig with one context, cluster and user of the name."""
    return {
        "current-context": current,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}", **cluster}}],
        "users": [{"name": name, "user": {"tokenFile": "token", "client-key": "/keys/own.pem"}}],
    }


def written(folder: Path, name: str, document: object) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document))
    return path


def read(settings: Kubeconfig, **environ: str) -> Contexts:
    found = kubeconfig.read(settings, environ)
    assert found
    return found


def test_of_several_files_the_first_that_names_a_thing_wins(tmp_path: Path) -> None:
    first = written(tmp_path, "a/config", config("a"))
    second = written(tmp_path, "b/config", config("b", current="b"))
    third = written(tmp_path, "c/config", {**config("a", current="a"), "clusters": []})

    found = read(Kubeconfig(), KUBECONFIG=os.pathsep.join(map(str, (first, "/nonexistent", second, third))))

    assert found.current == "b"
    assert set(found.contexts) == {"a", "b"}
    assert found.cluster("a")["server"] == "https://a"
    assert found.user("b")["tokenFile"] == str(tmp_path / "b/token")


def test_paths_are_relative_to_their_file_and_absolute_ones_stay(tmp_path: Path) -> None:
    path = written(tmp_path, "a/config", config("a", **{"certificate-authority": "ca.pem"}))

    found = read(Kubeconfig(kubeconfig=str(path)))

    assert found.cluster("a")["certificate-authority"] == str(tmp_path / "a/ca.pem")
    assert found.user("a")["client-key"] == "/keys/own.pem"


def test_the_settings_content_goes_before_its_environment(tmp_path: Path) -> None:
    path = written(tmp_path, "config", config("theirs", current="theirs"))

    found = read(Kubeconfig(kubeconfig=yaml.safe_dump(config("own", current="own"))), KUBECONFIG=str(path))

    assert found.current == "own"


@pytest.mark.parametrize("text", ["a: [", "- a", "", "contexts:\n- x: 1\n"])
def test_what_is_no_kubeconfig_names_no_context(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)

    found = kubeconfig.read(Kubeconfig(), {"KUBECONFIG": str(path)})

    assert found is None or not found.contexts


def test_a_context_without_a_cluster_or_a_user_has_none(tmp_path: Path) -> None:
    path = written(tmp_path, "config", {"contexts": [{"name": "a", "context": None}]})

    found = read(Kubeconfig(kubeconfig=str(path)))

    assert found.cluster("a") == {}
    assert found.user("a") == {}
    assert found.cluster("unknown") == {}
