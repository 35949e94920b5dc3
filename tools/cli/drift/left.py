"""Fields of the program's objects that others own rightly: they are neither drift nor repaired.

docs/operations.md lists the same; each line here names the program that writes it.
"""

import re

from tools.cli.drift.paths import Path, shown

# Controllers report by `status`, autoscalers scale by `scale`: neither can change what the program applied.
_SUBRESOURCES = {"status", "scale", "resize"}
_ANNOTATIONS = (
    "deployment.kubernetes.io/",  # the Deployment controller: its revision
    "batch.kubernetes.io/",  # the Job controller
    "autoscaling.alpha.kubernetes.io/",  # the autoscaler, in old versions of its API
    "pv.kubernetes.io/",  # the volume binder
    "volume.kubernetes.io/",  # the volume binder and the scheduler
    "volume.beta.kubernetes.io/",  # as above, under its former name
    "kubectl.kubernetes.io/restartedAt",  # `kubectl rollout restart`: without it the pods restart once more
    "kubectl.kubernetes.io/last-applied-configuration",  # `kubectl apply`, before an adoption
    "control-plane.alpha.kubernetes.io/",  # leader election
    "openshift.io/",  # OpenShift: a namespace's user ids
    "feastflow.pulumi.com/reserved-for",  # an administrator, who gave the deployer its rights there
    "cloud.google.com/neg",  # GKE: a Service's endpoint groups
    "ingress.kubernetes.io/",  # GKE: what its load balancer was given
    "field.cattle.io/",  # Rancher: who made it, and for which project
)
_FIELDS = tuple(
    re.compile(pattern)
    for pattern in (
        # Only its own controller may end a finalizer; another's removal would leave something behind.
        r"^[^.]+ metadata\.finalizers",
        # The autoscaler owns the number of pods, whichever manager sets it for a moment.
        r"^Deployment spec\.replicas$",
        # The volume binder.
        r"^PersistentVolumeClaim spec\.volumeName$",
        # Given by the server, or by a cloud's load balancer.
        r"^Service spec\.(clusterIP|clusterIPs|ipFamilies|ipFamilyPolicy|healthCheckNodePort)",
        r"^Namespace spec\.finalizers",
        # The Job controller, which ties its pods to it by them.
        r"^Job spec\.selector",
        r"^Job spec\.template\.metadata\.labels\.?\[?(batch\.kubernetes\.io/)?(controller-uid|job-name)",
        r"^[^.]+ status",
    )
)
_MAPS = ("metadata.labels", "metadata.annotations", "data", "binaryData", "stringData")
_LONGEST_ANNOTATION_PATH = "annotations["


def is_left(kind: str, subresource: str, path: Path) -> bool:
    """Return whether another manager of this field is right to have it."""
    if subresource in _SUBRESOURCES:
        return True
    text = shown(path)
    _, found, name = text.partition(_LONGEST_ANNOTATION_PATH)
    if found and name.rstrip("]").startswith(_ANNOTATIONS):
        return True
    return any(pattern.search(f"{kind} {text}") for pattern in _FIELDS)


def is_map(path: Path) -> bool:
    """Return whether the field holds entries of several owners, each of which is looked at by itself."""
    return shown(path).endswith(_MAPS)
