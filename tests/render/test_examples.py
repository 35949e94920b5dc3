"""Examples for Argo CD, Flux and External Secrets: their fields exist, and their folders are rendered."""

import re
from typing import Any

import pytest
import yaml

from ..unit.recorder import ROOT
from .conftest import Rendering
from .crds import problems

_EXAMPLES = {
    path.name: list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    for path in (ROOT / "docs" / "examples").glob("*.yaml")
}
_PAGE = (ROOT / "docs" / "gitops.md").read_text(encoding="utf-8")


def _documents() -> list[dict[str, Any]]:
    return [document for documents in _EXAMPLES.values() for document in documents]


def test_there_is_an_example_for_each_tool() -> None:
    assert sorted(_EXAMPLES) == ["argocd-application.yaml", "flux-kustomization.yaml"]
    assert all(f"examples/{name}" in _PAGE for name in _EXAMPLES)


@pytest.mark.parametrize("document", _documents(), ids=lambda document: document["kind"])
def test_an_example_keeps_its_definition(document: dict[str, Any]) -> None:
    assert problems(document) == []


def test_references_to_secrets_keep_their_definition(stack: Rendering) -> None:
    for reference in stack.of("02-secrets"):
        assert problems(reference) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"spec": {}}, "Kustomization.spec.interval is missing"),
        ({"prune": "yes"}, "Kustomization.spec.prune is 'yes' and no boolean"),
        ({"purge": True}, "Kustomization.spec.purge does not exist"),
        ({"interval": "ten"}, "Kustomization.spec.interval is 'ten'"),
        ({"sourceRef": {"kind": "Folder", "name": "x"}}, "Kustomization.spec.sourceRef.kind is 'Folder'"),
        ({"dependsOn": [{}]}, "Kustomization.spec.dependsOn[0].name is missing"),
    ],
)
def test_an_example_that_does_not_keep_it_would_be_found(change: dict[str, Any], problem: str) -> None:
    (document,) = (each for each in _documents() if each["kind"] == "Kustomization")
    changed = {**document, **(change if "spec" in change else {"spec": {**document["spec"], **change}})}

    assert any(found.startswith(problem) for found in problems(changed))


def test_the_examples_read_the_folder_that_their_first_line_says_how_to_write() -> None:
    for path in (ROOT / "docs" / "examples").glob("*.yaml"):
        (folder,) = re.findall(r"`make render STACK=prod OUT=(\S+)`", path.read_text(encoding="utf-8"))
        (read,) = re.findall(r"^ +path: (?:\./)?(\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert read == folder


def test_a_job_that_ran_is_changed_by_neither_tool(stack: Rendering) -> None:
    (application,) = _EXAMPLES["argocd-application.yaml"]
    ignored = {(each["group"], each["kind"]) for each in application["spec"]["ignoreDifferences"]}
    assert ("batch", "Job") in ignored
    assert "RespectIgnoreDifferences=true" in application["spec"]["syncPolicy"]["syncOptions"]
    for manifest in stack.manifests:
        annotations = manifest["metadata"].get("annotations", {})
        told = annotations.get("kustomize.toolkit.fluxcd.io/ssa") == "IfNotPresent"
        assert told is (manifest["kind"] == "Job")


def test_the_page_names_every_file_and_every_entry_of_the_store(stack: Rendering) -> None:
    for name in stack.texts:
        assert name.removesuffix(".yaml") in _PAGE or f"`{name[:3]}" in _PAGE, name
    for reference in stack.of("02-secrets"):
        name = reference["metadata"]["name"]
        assert name in _PAGE or name.replace("-1", "-ROTATION") in _PAGE
        for entry in reference["spec"]["data"]:
            assert f"`{entry['secretKey']}`" in _PAGE
