"""Definitions of other projects' kinds that the rules judge, so that an API server knows them: any fields."""

from collections.abc import Sequence

from policies.kinds import kind_of
from policies.resources import KINDS, group, resource_rule

from ...harness.kube import Kube, Object


def definitions(kube: Kube, manifests: Sequence[Object]) -> list[Object]:
    """Return a definition of each kind that the server does not have, in the version of these objects."""
    versions = {kind_of(each): each["apiVersion"].rpartition("/")[2] for each in manifests}
    known = set(kube.run("api-resources", "--no-headers", "--output", "name").split())
    made = []
    for kind in KINDS:
        theirs, plural = group(kind), resource_rule(kind)["resources"][0]
        if "." in theirs and f"{plural}.{theirs}" not in known:
            made.append(definition(theirs, kind.rpartition("/")[2], plural, versions.get(kind, "v1")))
    return made


def definition(group: str, kind: str, plural: str, name: str) -> Object:
    """Return a definition of a kind with any fields."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": name,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": anything},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            # The approval that Kubernetes' own groups require; this is a test.
            "annotations": {"api-approved.kubernetes.io": "unapproved, of a test"},
        },
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "scope": "Namespaced",
            "versions": [version],
        },
    }
