"""Refusals of what a cluster lacks: one message, with the settings that do without it."""

from typing import Any

import pulumi
import pytest

from components.guards import suitable
from components.guards.cluster.live import Seen
from components.guards.cluster.offers import ZONE
from components.settings.model.stack import Stack

from .test_settings import parse
from .test_survey import Api, cluster, looked, warned

_ADMISSION = "apis/admissionregistration.k8s.io/v1"
_STORAGE = "apis/storage.k8s.io/v1/storageclasses"
_INGRESS = "apis/networking.k8s.io/v1/ingressclasses"
_GATEWAY = "apis/gateway.networking.k8s.io/v1/gatewayclasses"
_NODES = "api/v1/nodes?limit=200"
_VOLUMES = "api/v1/persistentvolumes?limit=200"
_CLAIMS = "api/v1/namespaces/shop/persistentvolumeclaims?limit=100"
_DEFAULT = {"storageclass.kubernetes.io/is-default-class": "true"}
_OWN_GROUPS = (
    "apps",
    "autoscaling",
    "batch",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "admissionregistration.k8s.io",
    "metrics.k8s.io",
)


def listed(*names: str, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    return {"items": [{"metadata": {"name": name, "annotations": annotations or {}}} for name in names]}


def nodes(*zones: str | None, taint: str = "") -> dict[str, Any]:
    taints = [{"key": taint, "effect": "NoSchedule"}] if taint else []
    return {
        "items": [
            {"metadata": {"labels": {ZONE: zone} if zone else {}}, "spec": {"taints": taints}}
            for zone in zones
        ]
    }


def offering(**instead: Any) -> Api:
    """A plain cluster of one node that suits dev, but for what is said to be otherwise."""
    answers = {
        "apis": {"groups": [{"name": name} for name in _OWN_GROUPS]},
        _ADMISSION: {"resources": [{"name": "validatingadmissionpolicies"}]},
        _STORAGE: listed("standard", annotations=_DEFAULT),
        _INGRESS: listed("traefik"),
        _NODES: nodes(None),
    }
    return cluster(**{**answers, **instead})


def said(api: Api, stack: Stack, *, exists: bool = False) -> str:
    """Return what is refused of it; empty where nothing is."""
    try:
        suitable.check(stack, Seen(name="context here", survey=looked(api, stack, exists=exists)))
    except pulumi.RunError as error:
        return str(error)
    return ""


def test_a_plain_cluster_of_one_node_without_zones_suits_without_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert warned(offering(), parse(), monkeypatch) == []


def test_all_that_a_cluster_lacks_is_named_at_once() -> None:
    bare: dict[str, Any] = {
        "version": {"major": "1", "minor": "29"},
        "apis": {"groups": [{"name": name} for name in _OWN_GROUPS]},
        _ADMISSION: {"resources": [{"name": "mutatingwebhookconfigurations"}]},
        _STORAGE: listed(),
        _INGRESS: listed("nginx"),
    }
    stack = parse(
        cluster={"zones": 3},
        database={"engine": "replicated", "instances": 3},
        edge={"host": "a.b", "attempts": 3, "tls": {"enabled": True, "issuer": {"name": "letsencrypt"}}},
    )
    text = said(offering(**bare), stack)

    for found in (
        "Kubernetes 1.29",
        "feastflow:tenancy.admissionPolicies\n  found: context here serves no ValidatingAdmissionPolicies",
        "feastflow:database.engine\n  found: context here serves no postgresql.cnpg.io",
        "feastflow:edge.tls.issuer\n  found: context here serves no cert-manager.io",
        "feastflow:edge.attempts\n  found: context here serves no traefik.io",
        "feastflow:database.storageClass\n  found: nothing",
        "feastflow:edge.className\n  found: traefik, and context here has nginx",
        "feastflow:cluster.zones\n  found: 3, and no node",
    ):
        assert found in text
    assert text.count("  next:  ") == 8


@pytest.mark.parametrize(
    ("group", "settings", "way"),
    [
        (
            "postgresql.cnpg.io",
            {"database": {"engine": "replicated", "instances": 3}},
            "database.engine standalone",
        ),
        ("gateway.networking.k8s.io", {"edge": {"host": "a.b", "mode": "gateway"}}, "edge.mode ingress"),
        ("traefik.io", {"edge": {"host": "a.b", "attempts": 2}}, "edge.attempts 1"),
    ],
)
def test_kinds_of_an_addon_are_refused_only_where_the_stack_makes_them_and_they_are_not_served(
    group: str, settings: dict[str, Any], way: str
) -> None:
    stack = parse(**settings)
    assert f"{group}\n" in (text := said(offering(), stack))
    assert way in text

    groups = {"groups": [{"name": name} for name in (*_OWN_GROUPS, group)]}
    assert said(offering(apis=groups), stack) == ""
    assert said(offering(apis=None), stack) == ""


def test_policies_that_are_not_served_matter_to_a_stack_that_makes_some() -> None:
    api = offering(**{_ADMISSION: {"resources": [{"name": "x"}]}})
    assert "pulumi config set --path feastflow:tenancy.admissionPolicies false" in said(api, parse())
    assert said(api, parse(tenancy={"admissionPolicies": False})) == ""
    assert said(offering(**{_ADMISSION: None}), parse()) == ""


def test_without_a_default_storageclass_one_that_is_there_is_named() -> None:
    api = offering(**{_STORAGE: listed("fast", "slow")})
    assert "pulumi config set --path feastflow:database.storageClass fast" in said(api, parse())
    assert said(api, parse(database={"storageClass": "slow"})) == ""
    assert "gone, and context here has fast, slow" in said(api, parse(database={"storageClass": "gone"}))
    beta = {"storageclass.beta.kubernetes.io/is-default-class": "true"}
    assert said(offering(**{_STORAGE: listed("fast", annotations=beta)}), parse()) == ""
    assert said(offering(**{_STORAGE: None}), parse()) == ""


def test_a_volume_that_is_there_needs_no_class() -> None:
    none = listed()
    volume = {"spec": {}, "status": {"phase": "Available"}}
    assert "install a provisioner" in said(offering(**{_STORAGE: none}), parse())
    assert said(offering(**{_STORAGE: none, _VOLUMES: {"items": [volume]}}), parse()) == ""
    of_a_class = {"spec": {"storageClassName": "x"}, "status": {"phase": "Available"}}
    assert "provisioner" in said(offering(**{_STORAGE: none, _VOLUMES: {"items": [of_a_class]}}), parse())
    # The stack's own, from when there was a class.
    assert said(offering(**{_STORAGE: none, _CLAIMS: listed("postgres-data")}), parse(), exists=True) == ""
    assert "provisioner" in said(offering(**{_STORAGE: none, _CLAIMS: listed()}), parse(), exists=True)


def claim(name: str, size: str = "1Gi", of_class: str = "fast", **labels: str) -> dict[str, Any]:
    spec = {"storageClassName": of_class, "resources": {"requests": {"storage": size}}}
    return {"metadata": {"name": name, "labels": labels}, "spec": spec}


@pytest.mark.parametrize(
    ("there", "wanted", "growing", "refused"),
    [
        (claim("postgres-data"), "2Gi", False, True),
        (claim("postgres-data"), "2Gi", True, False),
        (claim("postgres-data"), "1Gi", False, False),
        (claim("postgres-data", "1024Mi"), "1Gi", False, False),
        (claim("postgres-data", of_class="unknown"), "2Gi", False, False),
        (claim("postgres-data", of_class=""), "2Gi", False, False),
        (claim("uploads"), "2Gi", False, False),
        (claim("postgres-2", **{"cnpg.io/cluster": "postgres"}), "2Gi", False, True),
        (claim("theirs-1", **{"cnpg.io/cluster": "theirs"}), "2Gi", False, False),
    ],
)
def test_a_volume_grows_only_where_its_class_lets_it(
    there: dict[str, Any],
    wanted: str,
    growing: bool,  # noqa: FBT001 - a case
    refused: bool,  # noqa: FBT001
) -> None:
    classes = {"items": [{"metadata": {"name": "fast"}, "allowVolumeExpansion": growing}]}
    api = offering(**{_STORAGE: classes, _CLAIMS: {"items": [there]}})
    found = said(api, parse(database={"storage": wanted}), exists=True)
    assert ("the class fast, which lets no volume grow" in found) == refused, found


@pytest.mark.parametrize(
    ("claims", "exists", "lost"),
    [
        ({"items": [claim("postgres-data")]}, True, False),
        ({"items": [claim("postgres-2", **{"cnpg.io/cluster": "postgres"})]}, True, False),
        ({"items": [claim("uploads")]}, True, True),
        ({"items": []}, True, True),
        (None, False, True),
        (None, True, False),
        ({"items": [], "metadata": {"continue": "next"}}, True, False),
    ],
)
def test_a_database_is_lost_only_where_every_claim_is_known_and_none_is_its_own(
    claims: dict[str, Any] | None,
    exists: bool,  # noqa: FBT001 - a case
    lost: bool,  # noqa: FBT001
) -> None:
    assert looked(offering(**{_CLAIMS: claims}), parse(), exists=exists).offers.lost == lost


def test_another_ingress_class_is_refused_with_the_one_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    text = said(offering(**{_INGRESS: listed("nginx")}), parse())
    assert "pulumi config set --path feastflow:edge.className nginx" in text
    assert "feastflow:edge.controllerNamespace" in text
    # A controller need not have its class as an object.
    (told,) = warned(offering(**{_INGRESS: listed()}), parse(), monkeypatch)
    assert "edge.className says traefik" in told
    assert warned(offering(**{_INGRESS: None}), parse(), monkeypatch) == []


def test_a_gateways_class_is_looked_for_among_gateway_classes() -> None:
    groups = {"groups": [{"name": name} for name in (*_OWN_GROUPS, "gateway.networking.k8s.io")]}
    stack = parse(edge={"host": "a.b", "mode": "gateway", "className": "eg"})
    assert said(offering(apis=groups, **{_GATEWAY: listed("eg"), _INGRESS: listed()}), stack) == ""
    assert "eg, and context here has traefik" in said(
        offering(apis=groups, **{_GATEWAY: listed("traefik")}), stack
    )


def test_zones_that_no_node_is_in_are_refused_and_fewer_than_said_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = parse(cluster={"zones": 3})
    assert "pulumi config set --path feastflow:cluster.zones 1" in said(offering(), stack)
    (told,) = warned(offering(**{_NODES: nodes("a", "b", None)}), stack, monkeypatch)
    assert told.endswith("feastflow:cluster.zones 2")
    assert warned(offering(**{_NODES: nodes("a", "b", "c")}), stack, monkeypatch) == []
    assert warned(offering(**{_NODES: None}), stack, monkeypatch) == []
    assert warned(offering(**{_NODES: nodes()}), stack, monkeypatch) == []


def test_a_part_of_the_nodes_without_zones_says_nothing_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    part = {**nodes(None), "metadata": {"continue": "more"}}
    assert warned(offering(**{_NODES: part}), parse(cluster={"zones": 3}), monkeypatch) == []


def test_the_control_planes_nodes_are_in_no_zone_that_takes_pods() -> None:
    tainted = nodes("a", "b", "c", taint="node-role.kubernetes.io/control-plane")
    tainted["items"] += nodes(None)["items"]
    assert "no node of context here" in said(offering(**{_NODES: tainted}), parse(cluster={"zones": 3}))


def test_production_is_told_of_zones_that_it_does_not_use(monkeypatch: pytest.MonkeyPatch) -> None:
    api = offering(**{_NODES: nodes("a", "b", "c")})
    assert warned(api, parse(), monkeypatch) == []
    tls = {"enabled": True, "secretName": "own"}
    backup = {"destination": "s3://backups/shop", "credentials": {"secretName": "store"}}
    stack = parse(environment="prod", edge={"host": "a.b", "tls": tls}, database={"backup": backup})
    (told,) = warned(api, stack, monkeypatch)
    assert told.endswith("feastflow:cluster.zones 3")


def test_autoscalers_without_metrics_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = {"groups": [{"name": name} for name in _OWN_GROUPS if name != "metrics.k8s.io"]}
    (told,) = warned(offering(apis=groups), parse(), monkeypatch)
    assert "metrics-server" in told


def test_a_target_of_requests_is_told_of_where_no_adapter_serves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = parse(frontend={"autoscaling": {"requestsPerSecond": 100}})
    (told,) = warned(offering(), stack, monkeypatch)
    served = {"groups": [{"name": name} for name in (*_OWN_GROUPS, "custom.metrics.k8s.io")]}

    assert "custom.metrics.k8s.io is not served" in told
    assert "requestsPerSecond of frontend is set: CPU and memory alone add pods" in told
    assert warned(offering(apis=served), stack, monkeypatch) == []
    assert warned(offering(), parse(), monkeypatch) == []
