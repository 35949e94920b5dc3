"""Files of the manifests, and their text: the same bytes for the same manifests."""

from collections.abc import Sequence
from typing import Any

import yaml

from components.settings.values import names
from components.tiers import TIERS
from tools.render.manifests import Rendered
from tools.render.secrets import KIND as EXTERNAL_SECRET
from tools.render.secrets import Manifest

HEADER = "# By `make render`"
# `kubectl apply -f FOLDER` goes by the files' names.
_BY_TIER = {(tier.name, kind): name for tier in TIERS for kind, name in tier.files.items()}
# With the server that it is before.
_BY_TIER |= {
    (names.POOLER_COMPONENT, kind): _BY_TIER[names.DATABASE_TIER, of]
    for kind, of in {"Deployment": "StatefulSet", "Service": "Service"}.items()
}
# For collectors: no pod waits for any of it. Of the ConfigMaps these are the ones that no pod reads.
_OBSERVED = "21-observability"
_BY_TIER["observability", "ConfigMap"] = _OBSERVED
_BY_KIND = {
    # Before the namespace that they guard: it takes no image that no policy knows.
    "ClusterImagePolicy": "00-image-policies",
    "Namespace": "00-namespace",
    "ConfigMap": "01-configmap",
    EXTERNAL_SECRET: "02-secrets",
    "PersistentVolumeClaim": "03-postgres-pvc",
    "Certificate": "10-ingress",
    "Middleware": "10-ingress",
    "Ingress": "10-ingress",
    "Gateway": "10-ingress",
    "HTTPRoute": "10-ingress",
    "ServiceAccount": "11-service-accounts",
    "PriorityClass": "12-priority-classes",
    "NetworkPolicy": "13-network-policies",
    "Role": "14-roles",
    "RoleBinding": "14-roles",
    "CronJob": "15-jobs",
    "Job": "15-jobs",
    "HorizontalPodAutoscaler": "16-autoscalers",
    "PodDisruptionBudget": "17-disruption-budgets",
    "LimitRange": "18-quota",
    "ResourceQuota": "18-quota",
    "ValidatingAdmissionPolicy": "19-admission-policies",
    "ValidatingAdmissionPolicyBinding": "19-admission-policies",
    "PodMonitor": _OBSERVED,
    "PrometheusRule": _OBSERVED,
}
_LATE = "20-after-rollout"
_WIDTH = 110


def texts(rendered: Sequence[Rendered], stack: str) -> dict[str, str]:
    """The files' texts by name, each object in one of them."""
    found: dict[str, list[Manifest]] = {}
    for entry in rendered:
        found.setdefault(f"{_file(entry)}.yaml", []).append(entry.manifest)
    return {name: _text(found[name], stack) for name in sorted(found)}


def _file(entry: Rendered) -> str:
    """The file's name.

    Raises:
        KeyError: for a kind that has no place yet; a defect of this program.
    """
    if entry.late:
        return _LATE
    manifest = entry.manifest
    tier = manifest["metadata"].get("labels", {}).get("component", "")
    kind = manifest["kind"]
    return _BY_TIER.get((tier, kind)) or _BY_KIND[kind]


def _text(manifests: Sequence[Manifest], stack: str) -> str:
    ordered = sorted(manifests, key=lambda each: (each["kind"], each["metadata"]["name"]))
    head = f"{HEADER} STACK={stack}: change the stack's settings, not this file.\n"
    return head + "".join(f"---\n{_dump(each)}" for each in ordered)


def _dump(manifest: Manifest) -> str:
    return str(yaml.dump(manifest, Dumper=_Dumper, sort_keys=True, width=_WIDTH, allow_unicode=True))


class _Dumper(yaml.SafeDumper):
    """Lists indented below their key, texts of several lines as blocks, no references between values."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - the library's own
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - the library's own
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _string)
