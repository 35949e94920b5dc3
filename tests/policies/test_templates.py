"""Pod templates in kinds that the rules do not know: found by their shape, whole or in part."""

from copy import deepcopy
from typing import Any

import pytest

from policies.expression import Unknown
from policies.judgement import judge
from policies.rules import RULES

from .manifests import BASES, Manifest

_POD = BASES["Deployment"]["spec"]["template"]["spec"]


def _of(spec: Any, kind: str = "Machine", group: str = "example.com") -> Manifest:
    return {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "web"}, "spec": spec}


def _broken(manifest: Manifest) -> set[str]:
    return {rule.id for rule in RULES if judge(rule, manifest)}


def _pod(**changed: Any) -> dict[str, Any]:
    return {**deepcopy(_POD), **changed}


def _container(**changed: Any) -> dict[str, Any]:
    return {**deepcopy(_POD["containers"][0]), **changed}


def _places(pod: Any) -> list[Any]:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod}
    return [
        {"template": template},
        {"groups": [{"name": "a", "template": template}]},
        {"replicaSpecs": {"Worker": {"template": template}}},
        {"manifests": [{"apiVersion": "v1", "kind": "Pod", **template}]},
    ]


@pytest.mark.parametrize("place", range(4))
def test_a_whole_template_is_judged_as_a_deployments_wherever_it_is(place: int) -> None:
    assert _broken(_of(_places(_pod())[place])) == set()
    assert _broken(_of(_places(_pod(hostNetwork=True))[place])) == {"host-namespaces"}
    weak = _container(image="evil:latest")
    del weak["livenessProbe"], weak["resources"]["limits"]
    found = _broken(_of(_places(_pod(containers=[weak]))[place]))
    assert {"image-version", "probe-liveness", "resource-limits"} <= found


def test_of_a_template_that_an_operator_completes_only_what_it_says_is_judged() -> None:
    assert _broken(_of({"containers": [{"name": "web", "resources": {}}]})) == set()
    assert "privileged" in _broken(
        _of({"containers": [{"name": "web", "securityContext": {"privileged": True}}]})
    )
    assert "image-version" in _broken(_of({"containers": [{"name": "web", "image": "evil:latest"}]}))
    assert "run-as-user" in _broken(
        _of({"containers": [{"name": "web", "securityContext": {"runAsUser": 0}}]})
    )


def test_a_container_that_stands_alone_is_judged_and_a_picture_is_none() -> None:
    assert "image-version" in _broken(_of({"steps": [{"image": "evil:latest", "script": "id"}]}))
    assert "secret-in-command" in _broken(
        _of({"templates": [{"container": {"image": "a:1@sha256:0", "command": ["a", "--password=hunter2"]}}]})
    )
    assert _broken(_of({"logo": {"image": "https://example.com/logo.png", "height": 1}})) == set()


def test_a_kind_of_kubernetes_own_that_holds_a_template_is_searched_too() -> None:
    template = {"spec": _pod(containers=[_container(image="evil:latest")])}
    manifest = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "web"}, "template": template}
    assert "image-version" in _broken(manifest)


def test_a_definition_of_a_kind_holds_no_pods() -> None:
    schema = {"properties": {"containers": {"items": {"type": "object"}}}}
    manifest = _of({"versions": [schema]}, "CustomResourceDefinition", "apiextensions.k8s.io")
    assert _broken(manifest) == set()


def test_what_is_unknown_in_a_template_is_not_guessed() -> None:
    unknown = Unknown(path=("spec",))
    for spec in (unknown, {"template": unknown}, {"template": {"spec": unknown}}):
        found = [judge(rule, _of(spec)) for rule in RULES]
        assert all(isinstance(each, Unknown) for verdict in found for each in verdict)


@pytest.mark.parametrize("kind", ["Rollout", "JobSet", "ScaledJob", "serving.knative.dev/Service", "Pooler"])
def test_a_template_that_is_missing_is_no_pod(kind: str) -> None:
    manifest = {**deepcopy(BASES[kind]), "spec": {"workloadRef": {"name": "web"}}}
    assert _broken(manifest) == set()
