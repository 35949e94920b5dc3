"""Signatures at admission: what policy-controller is given, and when the namespace is guarded."""

from collections.abc import Callable
from typing import Any

import pytest

from . import crds
from .conftest import Rendering

_SUBJECT = "https://github.com/my-team/feastflow/.github/workflows/images.yml@refs/heads/main"
_SIGNED = {"images": ["ghcr.io/my-team/feastflow/**"], "subject": _SUBJECT}
_DATABASE = "index.docker.io/library/postgres:**"
_GUARD = "policy.sigstore.dev/include"
Renders = Callable[..., Rendering]


def _settings(**signatures: Any) -> dict[str, Any]:
    return {"feastflow:tenancy": {"signatures": {**_SIGNED, **signatures}}}


def _policies(found: Rendering) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in found.of("00-image-policies")}


def test_without_the_setting_the_namespace_is_not_guarded_and_there_is_no_policy(dev: Rendering) -> None:
    (namespace,) = dev.of("00-namespace")

    assert _GUARD not in namespace["metadata"]["labels"]
    assert "00-image-policies.yaml" not in dev.texts


def test_images_must_be_signed_by_the_workflow_with_a_certificate_of_githubs_identity(
    rendering: Renders,
) -> None:
    found = rendering("dev", _settings())
    (policy,) = _policies(found).values()
    (namespace,) = found.of("00-namespace")

    assert policy["metadata"]["name"] == "feastflow-dev-signed"
    (authority,) = policy["spec"]["authorities"]
    assert authority["keyless"]["identities"] == [
        {"issuer": "https://token.actions.githubusercontent.com", "subject": _SUBJECT}
    ]
    assert authority["ctlog"] == {"url": "https://rekor.sigstore.dev"}
    assert (policy["spec"]["mode"], policy["spec"]["images"]) == (
        "enforce",
        [{"glob": "ghcr.io/my-team/feastflow/**"}],
    )
    assert namespace["metadata"]["labels"][_GUARD] == "true"


def test_images_that_need_no_signature_are_let_in_by_name(rendering: Renders) -> None:
    policies = _policies(rendering("dev", _settings(unsigned=[_DATABASE])))

    assert policies["feastflow-dev-unsigned"]["spec"] == {
        "mode": "enforce",
        "images": [{"glob": _DATABASE}],
        "authorities": [{"name": "named", "static": {"action": "pass"}}],
    }


def test_policy_controllers_own_definition_knows_every_field(rendering: Renders) -> None:
    for policy in _policies(rendering("dev", _settings(unsigned=[_DATABASE]))).values():
        assert crds.problems(policy) == []
    wrong = {**policy, "spec": {**policy["spec"], "image": []}}
    assert crds.problems(wrong) == ["ClusterImagePolicy.spec.image does not exist"]


def test_the_namespace_is_guarded_only_once_the_policies_are_there(rendering: Renders) -> None:
    objects = rendering("dev", _settings(unsigned=[_DATABASE])).objects
    (namespace,) = [each for each in objects if each.kind == "Namespace"]
    policies = {each.urn for each in objects if each.kind == "ClusterImagePolicy"}

    assert len(policies) == 2
    assert policies <= set(namespace.dependencies)


@pytest.mark.parametrize("glob", ["**", "*/*", "postgres:**", "ghcr.io/**", "*.io/team/**", "ghcr.io"])
@pytest.mark.parametrize("key", ["images", "unsigned"])
def test_a_pattern_for_more_than_one_registrys_folder_is_refused(
    rendering: Renders, key: str, glob: str
) -> None:
    with pytest.raises(Exception, match="registry included") as caught:
        rendering("dev", _settings(**{key: [glob]}))

    assert "feastflow:tenancy" in str(caught.value)


def test_a_given_namespace_is_its_givers_to_guard(rendering: Renders) -> None:
    settings = {"feastflow:tenancy": {"createNamespace": False, "signatures": _SIGNED}}

    with pytest.raises(Exception, match=r"policy\.sigstore\.dev/include"):
        rendering("dev", settings)
