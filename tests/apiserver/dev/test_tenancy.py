"""The rights of a stranger, a developer and a careless colleague in the namespace."""

import json
import re

import pytest

from ...harness.kube import RESTRICTED, Kube, Object, ruled
from ...harness.running import Ran
from ..teams import Team

_GROUP = "feastflow-developers"
_BAD: dict[str, Object] = {
    "privileged": {"container": {"privileged": True, "allowPrivilegeEscalation": True}},
    "root": {"container": {"runAsUser": 0, "runAsNonRoot": False}},
    "every capability": {"container": {"capabilities": {}}},
    "no seccomp profile": {"container": {"seccompProfile": {"type": "Unconfined"}}},
    "the node's network": {"pod": {"hostNetwork": True}},
    "the node's files": {"pod": {"volumes": [{"name": "node", "hostPath": {"path": "/"}}]}},
}


def _pod(container: Object | None = None, pod: Object | None = None) -> str:
    """Return a pod that keeps every rule, but for what is given."""
    spec = ruled({"securityContext": {**RESTRICTED, **(container or {})}}, **(pod or {}))
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": spec})


def _may(kube: Kube, verb: str, resource: str, *, group: str = _GROUP) -> bool:
    who = ("--as", "any-user", "--as-group", group, "--as-group", "system:authenticated")
    resource, _, part = resource.partition("/")
    answer = kube.ask("auth", "can-i", verb, resource, f"--subresource={part}", *who).out.strip()
    assert answer in ("yes", "no")
    return answer == "yes"


def _created(kube: Kube, resources: Object) -> Ran:
    spec = ruled({"resources": resources})
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "rogue"}, "spec": spec}
    flags = ("--dry-run=server", "--output", "json", "--filename", "-")
    return kube.ask("create", *flags, stdin=json.dumps(pod))


@pytest.mark.parametrize("verb", ["get", "list", "watch"])
@pytest.mark.parametrize("resource", ["pods", "pods/log"])
def test_a_developer_may_look_at_pods_and_their_logs(kube: Kube, verb: str, resource: str) -> None:
    assert _may(kube, verb, resource)
    assert not _may(kube, verb, resource, group="another-group")


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        *((verb, "secrets") for verb in ("get", "list", "watch")),
        *((verb, "pods") for verb in ("create", "delete", "patch", "update")),
        ("create", "pods/exec"),
        ("create", "pods/portforward"),
        ("patch", "deployments.apps"),
        ("get", "configmaps"),
        ("create", "serviceaccounts/token"),
        ("impersonate", "serviceaccounts"),
    ],
)
def test_a_developer_may_neither_read_secrets_nor_change_anything(
    kube: Kube, verb: str, resource: str
) -> None:
    assert not _may(kube, verb, resource)


def test_who_may_do_what_is_told_from_the_live_rbac(dev: Team, deployed: Ran) -> None:
    assert deployed.code == 0
    ran = dev.product.local("audit")
    assert ran.code == 0, ran
    assert "group feastflow-developers" in ran.out
    assert "by RoleBinding developers (Role developer)" in ran.out
    assert re.search(r"^get, list, watch +pods, pods/log$", ran.out, re.MULTILINE)
    assert max(map(len, ran.out.splitlines())) <= 100


def test_a_pod_larger_than_any_of_the_stack_is_refused_by_the_limit_range(kube: Kube) -> None:
    huge = {"cpu": "64", "memory": "64Gi"}
    ran = _created(kube, {"requests": huge, "limits": huge})
    assert ran.code != 0
    assert "maximum cpu usage per Container" in ran.err, ran


def test_pods_beyond_the_stacks_needs_are_refused_by_the_quota(kube: Kube) -> None:
    (quota,) = kube.all("resourcequotas")
    hard = int(quota["status"]["hard"]["pods"])
    template = {
        "metadata": {"labels": {"app": "rogue"}},
        # Counted, and never started: no node has this name.
        "spec": ruled(terminationGracePeriodSeconds=1, nodeSelector={"kubernetes.io/hostname": "nowhere"}),
    }
    spec = {"replicas": hard + 1, "selector": {"matchLabels": {"app": "rogue"}}, "template": template}
    rogue = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "rogue"}, "spec": spec}
    kube.run("create", "--filename", "-", stdin=json.dumps(rogue))
    try:
        # Read when the condition was set: the controller removes it between two of its attempts.
        awaited = ("--for=condition=ReplicaFailure", "--timeout=60s", "--output=json")
        found = json.loads(kube.run("wait", "replicaset/rogue", *awaited, timeout=90))
        (failure,) = found["status"]["conditions"]
        assert "exceeded quota" in failure["message"]
    finally:
        kube.run("delete", "replicaset", "rogue", "--cascade=foreground", timeout=120)


def test_a_pod_that_says_nothing_of_resources_is_given_some(kube: Kube) -> None:
    ran = _created(kube, {})
    assert ran.code == 0, ran
    (container,) = json.loads(ran.out)["spec"]["containers"]
    assert set(container["resources"]) == {"requests", "limits"}


def test_a_pod_that_keeps_the_rules_is_let_in(kube: Kube) -> None:
    kube.run("create", "--dry-run=server", "--filename", "-", stdin=_pod())


@pytest.mark.parametrize("what", _BAD)
def test_the_namespace_refuses_a_pod_with(kube: Kube, what: str) -> None:
    ran = kube.ask("create", "--dry-run=server", "--filename", "-", stdin=_pod(**_BAD[what]))
    assert ran.code != 0
    assert 'violates PodSecurity "restricted:' in ran.err, ran
