"""A stack as the rules across it see it: its pods, their labels and ports, and references between objects."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .expression import Unknown
from .kinds import PODS, kind_of
from .operators import OPERATORS

Manifest = Mapping[str, Any]

_LABELS = ("labels", "matchLabels", "selector")
_MATCHED = (
    *_LABELS,
    *(
        "metadata",
        "namespace",
        "spec",
        "template",
        "replicas",
        "ports",
        "containerPort",
        "targetPort",
        "port",
    ),
    *("containers", "initContainers", "env", "envFrom", "valueFrom", "secretKeyRef", "configMapKeyRef"),
    *("volumes", "configMap", "secret", "persistentVolumeClaim", "key", "items", "optional"),
    *("podSelector", "policyTypes", "ingress", "egress", "scaleTargetRef", "kind", "metrics", "resource"),
    *("target", "type", "requests", "resources", "rules", "http", "paths", "backend", "service", "tls"),
    *("backendRefs", "defaultBackend", "roleRef", "matchExpressions", "jobTemplate", "restartPolicy"),
    *("managed", "services", "additional", "serviceTemplate"),
)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One object's need of another in its namespace, by kind and name; `key` where it is one entry of it."""

    kind: str
    name: str | Unknown
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Something whose pods run: an object with a pod template, a pod, or what an operator makes pods of.

    `lasting` pods serve until they are told to stop; others, such as a Job's, run to their end.
    """

    manifest: Manifest
    labels: Mapping[str, Any]
    pod: Manifest
    ports: tuple[tuple[str, Any], ...]
    lasting: bool
    references: tuple[Reference, ...]
    # Those of the references that variables are made of.
    environment: tuple[Reference, ...] = ()
    # Made and guarded by an operator, which brings budgets and Services of its own.
    operated: bool = False


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Every object of a stack.

    With something `unknown` that objects are matched by, none can be judged. What is `settled` stays as it
    was made, such as a Job that ran, and what it needed then need not be there any more.
    """

    manifests: Sequence[Manifest]
    workloads: tuple[Workload, ...]
    unknown: Unknown | None
    settled: Sequence[Manifest] = ()

    def of(self, *kinds: str) -> Iterator[Manifest]:
        """Return the objects of these kinds."""
        return (manifest for manifest in self.manifests if kind_of(manifest) in kinds)

    def has(self, kind: str, name: object, space: object) -> bool:
        """Return True if the stack, or an operator for it, creates an object."""
        return any(
            (own(manifest) == name or isinstance(own(manifest), Unknown)) and namespace(manifest) == space
            for manifest in self.of(kind)
        ) or any(
            name in OPERATORS[operated(manifest)].makes(manifest).get(kind, ())
            for manifest in self.manifests
            if operated(manifest) in OPERATORS and namespace(manifest) == space
        )


def read(manifests: Sequence[Manifest], settled: Sequence[Manifest] = ()) -> Stack:
    """Return the stack of these objects, of which some are settled."""
    found = [workload for manifest in manifests if (workload := _workload(manifest)) is not None]
    unknown = next((part for manifest in manifests for part in _unknown(manifest)), None)
    for workload in found:
        if workload.operated:
            unknown = unknown or next(_unknown_to_all(workload.manifest), None)
    return Stack(manifests=manifests, workloads=tuple(found), unknown=unknown, settled=settled)


def _unknown(manifest: Manifest) -> Iterator[Unknown]:
    """Yield the unknown parts by which objects are matched; an unknown name is taken to be right."""
    for part, key, above in _unknowns(manifest, "", ""):
        if key in _MATCHED or above in (*_LABELS, "ports"):
            yield part


def _unknown_to_all(manifest: Manifest) -> Iterator[Unknown]:
    """Yield the unknown parts of an operator's object: the operator copies its name and may read any part."""
    if isinstance(own(manifest), Unknown):
        yield own(manifest)
    for part, key, _ in _unknowns(manifest.get("spec"), "spec", ""):
        if key != "name":
            yield part


def _unknowns(value: Any, key: str, above: str) -> Iterator[tuple[Unknown, str, str]]:
    """Yield each unknown value, with the key it stands under and the one above that."""
    if isinstance(value, Unknown):
        yield value, key, above
    elif isinstance(value, Mapping):
        for name, entry in value.items():
            yield from _unknowns(entry, str(name), key)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for entry in value:
            yield from _unknowns(entry, key, above)


def own(manifest: Manifest) -> Any:
    """Return the object's name."""
    found = below(manifest, "metadata").get("name")
    return found if isinstance(found, str | Unknown) else None


def namespace(manifest: Manifest) -> Any:
    """Return the object's namespace, `default` where it says none."""
    return str(below(manifest, "metadata").get("namespace") or "default")


def below(value: Any, *names: str) -> Mapping[str, Any]:
    """Return the object some steps below, empty where it is missing or unknown."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def listed(value: Any, *names: str) -> Sequence[Any]:
    """Return the list some steps below, empty where it is missing or unknown."""
    found = below(value, *names[:-1]).get(names[-1])
    return found if isinstance(found, Sequence) and not isinstance(found, str) else ()


def objects(value: Any, *names: str) -> list[Mapping[str, Any]]:
    """Return the objects in the list some steps below."""
    return [entry for entry in listed(value, *names) if isinstance(entry, Mapping)]


def operated(manifest: Manifest) -> str:
    """Return `group/Kind`, the key of `OPERATORS`."""
    group = str(manifest.get("apiVersion") or "").partition("/")[0]
    return f"{group}/{manifest.get('kind')}"


def selects(selector: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Return True if a label selector selects these labels; an empty one selects everything."""
    wanted = below(selector, "matchLabels")
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_expressed(entry, labels) for entry in objects(selector, "matchExpressions"))


def _expressed(entry: Any, labels: Mapping[str, Any]) -> bool:
    # Without a key or an operator it is none, which the API server refuses, and selects nothing here.
    if not isinstance(entry.get("key"), str):
        return False
    key, values = entry["key"], listed(entry, "values")
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }.get(str(entry.get("operator")), False)


def _workload(manifest: Manifest) -> Workload | None:
    kind = kind_of(manifest)
    operator = OPERATORS.get(operated(manifest))
    if operator is not None:
        return Workload(
            manifest=manifest,
            labels=operator.labels(manifest),
            pod={},
            ports=operator.ports,
            lasting=True,
            references=tuple(_named(manifest)),
            operated=True,
        )
    if kind not in PODS:
        return None
    template = manifest
    if kind == "CronJob":
        template = below(manifest, "spec", "jobTemplate", "spec", "template")
    elif kind != "Pod":
        template = below(manifest, "spec", "template")
    pod = below(template, "spec")
    return Workload(
        manifest=manifest,
        labels=below(template, "metadata", "labels"),
        pod=pod,
        ports=tuple(_ports(pod)),
        lasting=kind not in ("Job", "CronJob") and pod.get("restartPolicy", "Always") == "Always",
        references=tuple(_of_pod(pod)),
        environment=tuple(_of_environment(pod)),
    )


def _ports(pod: Manifest) -> Iterator[tuple[str, Any]]:
    for container in (*objects(pod, "containers"), *objects(pod, "initContainers")):
        for port in objects(container, "ports"):
            yield str(port.get("name") or ""), port.get("containerPort")


def _of_pod(pod: Manifest) -> Iterator[Reference]:
    if pod.get("serviceAccountName"):
        yield Reference(kind="ServiceAccount", name=pod["serviceAccountName"])
    yield from _of_environment(pod)
    for volume in objects(pod, "volumes"):
        yield from _of_volume(volume)


def _of_environment(pod: Manifest) -> Iterator[Reference]:
    for container in (*objects(pod, "containers"), *objects(pod, "initContainers")):
        for variable in objects(container, "env"):
            yield from _keyed(below(variable, "valueFrom"))
        for source in objects(container, "envFrom"):
            yield from _keyed(source)


def _keyed(source: Mapping[str, Any]) -> Iterator[Reference]:
    kinds = {
        "configMapKeyRef": "ConfigMap",
        "secretKeyRef": "Secret",
        "configMapRef": "ConfigMap",
        "secretRef": "Secret",
    }
    for name, kind in kinds.items():
        reference = below(source, name)
        if reference.get("name") and reference.get("optional") is not True:
            yield Reference(kind=kind, name=reference["name"], key=str(reference.get("key") or ""))


def _of_volume(volume: Mapping[str, Any]) -> Iterator[Reference]:
    sources = [volume, *objects(volume, "projected", "sources")]
    for source in sources:
        for kind, entry, name in (
            ("ConfigMap", "configMap", "name"),
            ("Secret", "secret", "secretName" if source is volume else "name"),
            ("PersistentVolumeClaim", "persistentVolumeClaim", "claimName"),
        ):
            reference = below(source, entry)
            if not reference.get(name) or reference.get("optional") is True:
                continue
            keys = [str(item.get("key")) for item in objects(reference, "items")]
            for key in keys or [""]:
                yield Reference(kind=kind, name=reference[name], key=key)


def _named(manifest: Manifest) -> Iterator[Reference]:
    """Yield a custom resource's references: every `…Secret: {name: …}` and `…ConfigMap: {name: …}` in it."""

    def within(value: Any) -> Iterator[Reference]:
        if isinstance(value, Mapping):
            for key, entry in value.items():
                for kind in ("Secret", "ConfigMap"):
                    if key.endswith(kind) and below(value, key).get("name"):
                        # The operator may read all keys.
                        yield Reference(kind=kind, name=entry["name"])
                yield from within(entry)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            for entry in value:
                yield from within(entry)

    return within(manifest.get("spec"))
