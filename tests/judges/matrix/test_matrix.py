"""Every supported version of Kubernetes takes each object of the stacks, strictly, and deprecates nothing."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.guards import supported
from tools.toolchain import golang, openapi, pins

from ...render import crds
from .. import kubeconform, schemas
from ..manifests import Manifest, named
from . import cel, definitions, deprecated, objects

VERSIONS = supported.versions()


def _excerpted(manifest: Manifest) -> bool:
    return f"{manifest['apiVersion']}/{manifest['kind']}" in crds.schemas()


def _pods(manifest: Manifest) -> Iterator[dict[str, Any]]:
    if "template" in manifest.get("spec", {}):
        yield manifest["spec"]["template"]["spec"]


def _deployment() -> Manifest:
    return copy.deepcopy(
        next(
            each
            for each in objects.by_stack()["dev"]
            if each["kind"] == "Deployment" and "backend" in each["metadata"]["name"]
        )
    )


@pytest.fixture(scope="session")
def compiled() -> cel.Compiled:
    """Return what the compiler says of every policy; it runs once."""
    return cel.compiled(objects.every())


def test_every_supported_version_has_a_pinned_document_and_no_other_has() -> None:
    assert tuple(openapi.DOCUMENTS) == VERSIONS
    for minor, (version, digest) in openapi.DOCUMENTS.items():
        assert version.startswith(f"{minor}.")
        assert len(digest) == 64


def test_the_objects_are_of_every_kind_that_stacks_can_have() -> None:
    kinds = {each["kind"] for each in objects.every()}

    assert len(objects.by_stack()) > 15
    assert {
        *(
            "Namespace",
            "ResourceQuota",
            "PriorityClass",
            "NetworkPolicy",
            "PodDisruptionBudget",
            "RoleBinding",
        ),
        *("Deployment", "StatefulSet", "Job", "CronJob", "HorizontalPodAutoscaler", "Cluster", "Gateway"),
        *(
            "Ingress",
            "HTTPRoute",
            "Middleware",
            "Certificate",
            "ExternalSecret",
            "ClusterImagePolicy",
            cel.KIND,
        ),
    } <= kinds


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_knows_every_field_of_every_object(version: str, tmp_path: Path) -> None:
    judged = [each for each in objects.every() if not _excerpted(each)]

    assert kubeconform.findings(judged, definitions.document(version), tmp_path) == []


def test_kinds_of_which_there_is_an_excerpt_keep_it() -> None:
    judged = [each for each in objects.every() if _excerpted(each)]

    assert judged
    assert [problem for each in judged for problem in crds.problems(each)] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_calls_nothing_deprecated(version: str) -> None:
    assert list(deprecated.findings(objects.every(), definitions.document(version))) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_compiles_every_expression_of_the_admission_policies(
    version: str, compiled: cel.Compiled
) -> None:
    # Some hundred rules, each with its message, for each version.
    assert compiled.expressions > 150 * len(VERSIONS)
    assert compiled.findings[version] == []


@pytest.mark.parametrize(
    ("field", "value", "knowing"),
    [
        ("hostnameOverride", "shop", ("1.34", "1.35", "1.36", "1.37")),
        ("workloadRef", {"name": "shop", "podGroup": "api"}, ("1.35",)),
        ("schedulingGroup", {"podGroupName": "shop"}, ("1.36", "1.37")),
        ("hostNames", ["shop"], ()),
    ],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_field_is_a_finding_where_a_version_does_not_have_it(
    version: str, field: str, value: object, knowing: tuple[str, ...], tmp_path: Path
) -> None:
    manifest = _deployment()
    for pod in _pods(manifest):
        pod[field] = value
    found = kubeconform.findings([manifest], definitions.document(version), tmp_path)

    assert bool(found) is (version not in knowing)
    assert all(f"additional properties '{field}' not allowed" in each.message for each in found)


def test_a_kind_that_a_version_does_not_serve_is_a_finding(tmp_path: Path) -> None:
    manifest = {"apiVersion": "batch/v1beta1", "kind": "CronJob", "metadata": {"name": "old"}, "spec": {}}
    (found,) = kubeconform.findings([manifest], definitions.document("1.33"), tmp_path)

    assert "could not find schema for CronJob" in found.message


def test_a_field_of_a_custom_resource_that_its_definition_does_not_have_is_a_finding(tmp_path: Path) -> None:
    spoiled = [
        copy.deepcopy(next(each for each in objects.every() if each["kind"] == kind))
        for kind in ("Cluster", "Middleware", "HTTPRoute")
    ]
    for each in spoiled:
        each["spec"]["unheard"] = 1
    found = kubeconform.findings(spoiled, definitions.document("1.33"), tmp_path)

    assert sorted(each.resource for each in found) == sorted(map(named, spoiled))


def test_deprecated_fields_and_kinds_and_unstable_versions_are_findings() -> None:
    manifest = _deployment()
    for pod in _pods(manifest):
        pod["serviceAccount"] = "default"
        pod["volumes"] = [{"name": "code", "gitRepo": {"repository": "https://example.com"}}]
    endpoints = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "x"}}
    unstable = {"apiVersion": "networking.k8s.io/v1beta1", "kind": "IPAddress", "metadata": {"name": "x"}}
    document = definitions.document("1.33")
    said = list(deprecated.findings([manifest, endpoints, unstable], document))

    name = named(manifest)
    assert f"{name}.spec.template.spec.serviceAccount is deprecated" in said
    assert f"{name}.spec.template.spec.volumes[0].gitRepo is deprecated" in said
    assert "Endpoints/x is deprecated" in said
    assert "IPAddress/x: networking.k8s.io/v1beta1 is no stable version" in said
    assert ("networking.k8s.io/v1beta1", "IPAddress") in schemas.served(document)


@pytest.mark.parametrize(
    ("expression", "knowing"),
    [
        ("object.metadata.name != ''", VERSIONS),
        # In the library of 1.33, and so for new policies from 1.34 on.
        ("semver('1.0.0').isLessThan(semver('2.0.0'))", VERSIONS[1:]),
        ("object.metadata.name", ()),
        ("unheard.of", ()),
    ],
)
def test_an_expression_is_a_finding_where_a_version_does_not_compile_it(
    expression: str, knowing: tuple[str, ...]
) -> None:
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": cel.KIND,
        "metadata": {"name": "tried"},
        "spec": {"validations": [{"expression": expression}]},
    }
    found = cel.compiled([policy]).findings

    assert tuple(version for version in VERSIONS if not found[version]) == knowing
    assert all(each.check == "validations[0]" for version in VERSIONS for each in found[version])


def test_the_compiler_is_of_the_newest_supported_version() -> None:
    text = (golang.MODULES / pins.CEL_BUILD.module / "go.mod").read_text(encoding="utf-8")

    assert f"k8s.io/apiserver v0.{supported.NEWEST[1]}." in text
