"""Pods of the stacks, judged by what OpenShift, GKE Autopilot and EKS document that they refuse or change.

These are their own words in numbers, not the platforms themselves: docs/clusters.md says which was run.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from components.settings.values import quantities

from .recorder import Recording, record_stack, stack_file
from .test_hardening import THIRD

# https://docs.redhat.com/en/documentation/openshift_container_platform/4.18/html/authentication_and_authorization/managing-pod-security-policies
_SCC_VOLUMES = {
    *(
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ),
}
# https://cloud.google.com/kubernetes-engine/docs/concepts/autopilot-resource-requests
_AUTOPILOT_CPU, _AUTOPILOT_MEMORY = "50m", "52Mi"
_AUTOPILOT_STORAGE = ("10Mi", "10Gi")
_AUTOPILOT_RATIO = (1.0, 6.5)
_AUTOPILOT_GRACE_SECONDS = 600
_GIBIBYTE = 2**30


@pytest.fixture(scope="module", params=["dev", "prod", "third"])
def stack(request: pytest.FixtureRequest) -> Recording:
    """Return a stack with jobs of every kind."""
    config = THIRD if request.param == "third" else stack_file(request.param)
    return record_stack(config)


def _pods(stack: Recording) -> Iterator[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    for name, pod in stack.pods().items():
        yield name, pod, [*pod.get("initContainers", []), *pod["containers"]]


def test_openshifts_nonroot_v2_takes_every_pod_as_it_is(stack: Recording) -> None:
    for name, pod, containers in _pods(stack):
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), name
        for volume in pod.get("volumes", []):
            assert set(volume) - {"name"} <= _SCC_VOLUMES, name
        for each in containers:
            context = each["securityContext"]
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert context["allowPrivilegeEscalation"] is False, name
            assert not any(port.get("hostPort") for port in each.get("ports", [])), name


def test_openshifts_restricted_v2_would_refuse_every_pod_for_its_fixed_user(stack: Recording) -> None:
    # It requires a uid of the namespace's own range, such as 1000680000/10000, or none.
    assert all(pod["securityContext"]["runAsUser"] < 10**9 for _, pod, _ in _pods(stack))


def test_autopilot_takes_each_containers_storage_and_each_pods_end(stack: Recording) -> None:
    low, high = map(quantities.parse, _AUTOPILOT_STORAGE)
    for name, pod, containers in _pods(stack):
        assert pod["terminationGracePeriodSeconds"] <= _AUTOPILOT_GRACE_SECONDS, name
        for each in containers:
            assert low <= quantities.parse(each["resources"]["requests"]["ephemeral-storage"]) <= high, name
            assert quantities.parse(each["resources"]["limits"]["ephemeral-storage"]) <= high, name


def test_autopilot_raises_the_requests_of_the_roles_jobs_alone(stack: Recording) -> None:
    raised = set()
    for name, _, containers in _pods(stack):
        for each in containers:
            requests = each["resources"]["requests"]
            cpu, memory = quantities.parse(requests["cpu"]), quantities.parse(requests["memory"])
            ratio = float(memory) / _GIBIBYTE / float(cpu)
            if (
                cpu < quantities.parse(_AUTOPILOT_CPU)
                or memory < quantities.parse(_AUTOPILOT_MEMORY)
                or not _AUTOPILOT_RATIO[0] <= ratio <= _AUTOPILOT_RATIO[1]
            ):
                raised.add(name)
    assert all(name.startswith("Job/feastflow-roles-") for name in raised), raised


def test_nothing_asks_for_what_fargate_and_autopilot_have_not(stack: Recording) -> None:
    assert stack.all("DaemonSet") == []
    for name, pod, containers in _pods(stack):
        assert not any("hostPath" in volume for volume in pod.get("volumes", [])), name
        assert not any(each["securityContext"].get("privileged") for each in containers), name
