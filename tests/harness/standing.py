"""A stack's state on the cluster, compared before and after each part of acceptance.

Generated secrets and what they name are left out: a rotation and the way back make new ones.
"""

import json
from collections.abc import Mapping

from . import prod
from .kube import Kube, Object, name_of
from .objects import without_content

_KINDS = (
    "deployments,statefulsets,horizontalpodautoscalers,services,ingresses,networkpolicies,poddisruptionbudgets,"
    "configmaps,secrets,roles,rolebindings,resourcequotas,limitranges,persistentvolumeclaims"
)
# What the autoscaler sets, and what a recreated Service is given another of.
_NOT_COMPARED = ("replicas", "clusterIP", "clusterIPs")

Standing = Mapping[str, str]


def look(kube: Kube) -> Standing:
    """Return what each object of the stack asks for, by kind and name; nodes; and which namespaces exist."""
    found = {without_content(f"{each['kind']} {name_of(each)}"): _asked(each) for each in kube.all(_KINDS)}
    for node in kube.all("nodes"):
        found[f"Node {name_of(node)}"] = json.dumps(bool(node["spec"].get("unschedulable")))
    for namespace in kube.all("namespaces"):
        # Prod, once a part has made it, stays for the others.
        if name_of(namespace) != prod.NAMESPACE:
            found[f"Namespace {name_of(namespace)}"] = ""
    return found


def differences(before: Standing, now: Standing) -> list[str]:
    """Return the names of what came, went, or asks for something else."""
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def _asked(thing: Object) -> str:
    spec = {key: value for key, value in thing.get("spec", {}).items() if key not in _NOT_COMPARED}
    return without_content(json.dumps([spec, thing.get("rules"), thing.get("subjects")], sort_keys=True))
