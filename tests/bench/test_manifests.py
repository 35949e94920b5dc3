"""Manifests of the other tools: the same objects as the program's, with Secrets, in each tool's own form."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.settings.values.merging import merged
from tools.bench import helm, manifests, tofu
from tools.bench.place import Place

from ..harness import localstack
from ..unit.recorder import ROOT

_CONFIG = {
    "feastflow:backend": {"image": "localhost/api:1"},
    "feastflow:frontend": {"image": "localhost/page:1"},
}


@pytest.fixture(scope="module")
def here() -> Place:
    settings = merged(localstack.of(ROOT, "dev"), _CONFIG)
    return Place(cluster=None, namespace="feastflow-dev", settings=settings, api=None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def written(here: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("manifests")
    manifests.write(here, folder / "first")
    manifests.write(here, folder / "changed", "other")
    return folder


@cache
def objects(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    texts = [path.read_text("utf-8") for path in folder.iterdir()]
    # libyaml's parser: the pure one takes seconds for all of these.
    found = [each for text in texts for each in yaml.load_all(text, yaml.CSafeLoader)]
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


def test_references_to_secrets_have_become_secrets(written: Path) -> None:
    kinds = {kind for kind, _ in objects(written / "first")}

    assert "Secret" in kinds
    assert "ExternalSecret" not in kinds
    assert len(objects(written / "first")) > 40


def test_one_changed_value_is_one_changed_object_secrets_included(written: Path) -> None:
    before, after = objects(written / "first"), objects(written / "changed")

    assert before.keys() == after.keys()
    assert [key for key in before if before[key] != after[key]] == [("Deployment", "feastflow-frontend")]


def test_braces_in_a_manifest_are_none_of_helms() -> None:
    text = "message: '{\"a\": {{ .b }}}'"

    assert text.translate(helm._BRACES).replace('{{ "{" }}', "{").replace('{{ "}" }}', "}") == text


def test_tofu_is_given_a_file_an_object_and_the_namespace_under_its_name(
    written: Path, tmp_path: Path
) -> None:
    tofu._split(written / "first", tmp_path / "split")

    names = {path.name for path in (tmp_path / "split").iterdir()}
    assert len(names) == len(objects(written / "first"))
    assert {"00-namespace.yaml", "statefulset-postgres.yaml", "ingress-feastflow.yaml"} <= names
