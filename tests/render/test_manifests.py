"""The manifests: every object once, nothing secret, nothing of Pulumi's, in an order that works."""

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from components.settings import reader
from policies.across import STACK_RULES, StackRule
from policies.judgement import judge
from policies.rule import Level, Rule
from policies.rules import RULES
from policies.stack import read
from tools.render import secrets, values
from tools.render.operator import made
from tools.render.recording import Registered
from tools.render.secrets import stable_name

from ..unit.recorder import encode, record_stack, stack_file
from .conftest import Rendering

_OLD_LOGIN = {"feastflow:rotation": 2}
_GATEWAY = {"feastflow:edge": {"host": "x.example.com", "mode": "gateway"}}


def test_every_object_of_the_stack_is_there_exactly_once(stack: Rendering) -> None:
    written = Counter(_name(each) for name in stack.texts for each in stack.of(name.removesuffix(".yaml")))
    secret = {each.object_name: stable_name(each) for each in stack.objects if each.kind == "Secret"}
    registered = Counter(
        f"{'ExternalSecret' if each.object_name in secret else each.inputs['kind']}"
        f"/{secret.get(each.object_name, each.object_name)}"
        for each in stack.objects
        if not each.is_patch
    )

    assert written == registered
    assert set(written.values()) == {1}
    assert len(secret) == len(_expected(stack))


def _described(objects: Iterable[Registered]) -> dict[tuple[str, str], Any]:
    """Return their inputs by kind and name; the stack's name, which its owner's mark has, is not the same."""
    text = json.dumps({f"{each.kind}/{each.object_name}": each.inputs for each in objects})
    found: dict[tuple[str, str], Any] = json.loads(re.sub(r'"feastflow/\w+/none"', '"an owner"', text))
    return found


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_objects_are_those_that_the_tests_of_the_stack_see(
    name: str, rendering: Callable[..., Rendering]
) -> None:
    seen = [each for each in record_stack(stack_file(name)).resources if each.type.startswith("kubernetes:")]

    found = rendering(name).objects
    assert _described(found) == _described(seen)


def test_there_is_no_secret_and_no_value_that_stands_for_one(stack: Rendering) -> None:
    text = "".join(stack.texts.values())
    hidden = [each for each in stack.objects if each.kind == "Secret"]
    unwanted = [value for each in hidden for value in secrets.hidden_values(each)]

    assert len(unwanted) >= 10
    assert [value for value in unwanted if value in text] == []
    assert "generated " not in text
    assert "SCRAM-SHA-256$" not in text
    assert [each for each in stack.manifests if each["kind"] == "Secret"] == []


def test_a_value_that_a_manifest_would_show_is_not_written(
    dev: Rendering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "hidden_values", lambda _: {"feastflow-dev"})

    with pytest.raises(RuntimeError, match="would hold a secret"):
        Rendering(dev.objects)


def test_pods_are_given_the_secrets_by_the_names_that_external_secrets_makes(stack: Rendering) -> None:
    text = json.dumps(stack.manifests)
    for entry in stack.objects:
        if entry.kind == "Secret":
            assert entry.object_name not in text
            assert text.count(f'"{stable_name(entry)}"') > 2, "its own names, and its readers"


def test_a_secrets_reference_holds_all_but_the_values(dev: Rendering) -> None:
    spec = dev.one("ExternalSecret", "feastflow-secret-roles-1")["spec"]

    assert spec["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "vault"}
    assert [each["remoteRef"] for each in spec["data"]] == [
        {"key": "teams/feastflow/feastflow-secret-roles-1", "property": "password"},
        {"key": "teams/feastflow/feastflow-secret-roles-1", "property": "verifier"},
    ]
    assert spec["target"]["immutable"] is True
    assert spec["target"]["template"]["type"] == "kubernetes.io/basic-auth"
    assert spec["target"]["template"]["data"] == {
        "username": "feastflow_a",
        "password": "{{ .password }}",
        "verifier": "{{ .verifier }}",
    }


def test_another_rotation_reads_other_entries_under_other_names(rendering: Callable[..., Rendering]) -> None:
    def names(rendered: Rendering) -> set[str]:
        return {each["metadata"]["name"] for each in rendered.manifests if each["kind"] == "ExternalSecret"}

    assert names(rendering("dev")) == set(_SECRETS["dev"])
    assert names(rendering("dev", _OLD_LOGIN)) == {
        "feastflow-secret-backend-2",
        "feastflow-secret-database-1",
        "feastflow-secret-database-administrator-2",
        "feastflow-secret-database-authority-1",
        "feastflow-secret-database-tls-1",
        "feastflow-secret-roles-2",
    }


_LOGIN = ["password", "username", "verifier"]
_SECRETS = {
    "prod": {
        "feastflow-secret-backend-1": ["jwt"],
        "feastflow-secret-database-administrator-1": ["before", *_LOGIN],
        "feastflow-secret-roles-1": _LOGIN,
    }
}


def _expected(stack: Rendering) -> dict[str, list[str]]:
    """Return the keys of its Secrets by their names."""
    return _SECRETS["dev" if any(each["kind"] == "StatefulSet" for each in stack.manifests) else "prod"]


_SECRETS["dev"] = {
    **_SECRETS["prod"],
    "feastflow-secret-database-1": _LOGIN,
    "feastflow-secret-database-authority-1": ["ca.crt"],
    "feastflow-secret-database-tls-1": ["tls.crt", "tls.key"],
}


def test_nothing_says_that_pulumi_manages_it_or_waits_for_it(stack: Rendering) -> None:
    # The admission policies contain the annotation by which the program finds its objects.
    texts = (text for name, text in stack.texts.items() if "admission-policies" not in name)
    assert "pulumi" not in "".join(texts).lower()


def test_new_values_fit_every_reference_and_verify_their_password(stack: Rendering) -> None:
    entries = secrets.entries(stack.manifests)
    first, second = values.fresh(entries), values.fresh(entries)
    found = [made(each, first) for each in stack.manifests if each["kind"] == "ExternalSecret"]

    assert {each["metadata"]["name"]: sorted(each["stringData"]) for each in found} == _expected(stack)
    assert not any("{{" in text for each in found for text in each["stringData"].values())
    for path, properties in first.items():
        assert all(second[path][name] != value for name, value in properties.items())


def test_the_policies_find_nothing(stack: Rendering, request: pytest.FixtureRequest) -> None:
    name = request.node.callspec.params["stack"]
    _, _, rules = reader.parse({key: encode(value) for key, value in stack_file(name).items()})
    today = dt.datetime.now(tz=dt.UTC).date()
    store = values.fresh(secrets.entries(stack.manifests))
    running = [made(each, store) if each["kind"] == "ExternalSecret" else each for each in stack.manifests]
    judged: list[tuple[Rule | StackRule, Mapping[str, Any]]] = [
        (rule, each) for rule in RULES for each in running if judge(rule, each)
    ]
    judged += [(rule, each) for rule in STACK_RULES for each, _ in rule.judge(read(running))]

    assert [
        (rule.id, _name(each))
        for rule, each in judged
        if rules.levels.get(rule.id, rule.level) is not Level.DISABLED
        and not rules.exempt(rule.id, each, today)
    ] == []


def test_waves_are_what_an_update_awaits_one_after_the_other(dev: Rendering) -> None:
    assert dev.wave("Namespace", "feastflow-dev") == 0
    assert dev.wave("StatefulSet", "postgres") == 0
    assert dev.wave("PersistentVolumeClaim", "postgres-data") == 0, "it is bound when its pod comes"
    assert dev.wave("Job", "feastflow-roles-grant") == 0
    assert dev.wave("Job", "feastflow-migrations") == 1
    assert dev.wave("Deployment", "feastflow-backend") == 2
    assert dev.wave("Deployment", "feastflow-frontend") == 0
    assert dev.wave("Ingress", "feastflow") == 3


def test_the_login_that_a_rotation_replaces_is_locked_last_and_in_a_file_of_its_own(
    rendering: Callable[..., Rendering],
) -> None:
    rotated = rendering("dev", _OLD_LOGIN)

    (locked,) = rotated.of("20-after-rollout")
    assert locked["metadata"]["name"].startswith("feastflow-roles-retire")
    assert rotated.wave("Job", "feastflow-roles-retire") > rotated.wave("Deployment", "feastflow-backend")
    assert "20-after-rollout.yaml" not in rendering("dev").texts


def test_the_files_are_the_seeds_in_their_order_and_then_the_rest(dev: Rendering) -> None:
    assert list(dev.texts) == [
        "00-namespace.yaml",
        "01-configmap.yaml",
        "02-secrets.yaml",
        "03-postgres-pvc.yaml",
        "04-postgres-deployment.yaml",
        "05-postgres-service.yaml",
        "06-backend-deployment.yaml",
        "07-backend-service.yaml",
        "08-frontend-deployment.yaml",
        "09-frontend-service.yaml",
        "10-ingress.yaml",
        "11-service-accounts.yaml",
        "12-priority-classes.yaml",
        "13-network-policies.yaml",
        "14-roles.yaml",
        "15-jobs.yaml",
        "16-autoscalers.yaml",
        "17-disruption-budgets.yaml",
        "18-quota.yaml",
        "19-admission-policies.yaml",
        "21-observability.yaml",
    ]


def test_the_replicated_database_is_one_object_whose_operator_makes_claim_and_service(
    prod: Rendering,
) -> None:
    assert [_name(each) for each in prod.of("04-postgres-deployment")] == ["Cluster/postgres"]
    assert not {"03-postgres-pvc.yaml", "05-postgres-service.yaml"} & set(prod.texts)


def test_routes_of_a_gateway_stand_where_the_ingress_would(rendering: Callable[..., Rendering]) -> None:
    routed = rendering("dev", _GATEWAY)

    assert [each["kind"] for each in routed.of("10-ingress")] == ["Gateway", "HTTPRoute"]


def test_what_retries_stands_with_the_routes_that_name_it(rendering: Callable[..., Rendering]) -> None:
    routed = rendering("dev", {"feastflow:edge": {"host": "x.example.com", "attempts": 3}})

    assert [each["kind"] for each in routed.of("10-ingress")] == ["Ingress", "Middleware"]


def test_what_pulumi_would_refuse_to_delete_is_pruned_by_no_tool(prod: Rendering, dev: Rendering) -> None:
    def kept(rendered: Rendering) -> set[str]:
        return {
            _name(each)
            for each in rendered.manifests
            if each["metadata"].get("annotations", {}).get("kustomize.toolkit.fluxcd.io/prune") == "disabled"
            and "Prune=false" in each["metadata"]["annotations"]["argocd.argoproj.io/sync-options"]
        }

    assert kept(prod) == {"Namespace/feastflow-prod", "Cluster/postgres"}
    assert kept(dev) == set()


def _name(manifest: Mapping[str, Any]) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"
