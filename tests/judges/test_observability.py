"""The manifests of `make observe`, judged as a stack is, by Pod Security and by kube-score."""

from tools.observe import images, rendering
from tools.observe.certificate import Certificate
from tools.observe.network import Addresses
from tools.observe.rendering import Setting

from . import kubescore, podsecurity
from .manifests import Manifest

# What kube-score wants of workloads that serve many users, and why these do without.
_WAIVED = {
    # One store, on the node of the edge: two could not share a folder, and the site waits for neither.
    "deployment-replicas",
    "deployment-strategy",
    # These programs tell of their health at one path.
    "pod-probes-identical",
    # For the reasons that waivers.yaml has for the stacks.
    "container-cpu-requests-equal-limits",
    "container-memory-requests-equal-limits",
    "container-resource-requests-equal-limits",
    "container-ephemeral-storage-request-equals-limit",
    "container-image-pull-policy",
}


def _found() -> list[Manifest]:
    addresses = Addresses(nodes=("10.89.0.2",), api="10.96.0.1")
    own = {"adapter": Certificate(certificate="one", key="two")}
    return rendering.manifests(
        Setting(images=images.named(), addresses=addresses, certificates=own, port=8080)
    )


def test_pod_security_finds_nothing_but_the_folders_of_log_files() -> None:
    findings = podsecurity.findings(_found())

    assert {(each.resource, each.check) for each in findings} == {
        ("DaemonSet/log-agent", "restrictedVolumes")
    }


def test_kube_score_finds_nothing_else_but_the_group_that_reads_log_files() -> None:
    findings = [each for each in kubescore.findings(_found()) if each.check not in _WAIVED]

    assert {(each.resource, each.check) for each in findings} == {
        ("DaemonSet/log-agent", "container-security-context-user-group-id")
    }


def test_every_check_that_is_waived_finds_something() -> None:
    assert {each.check for each in kubescore.findings(_found())} >= _WAIVED
