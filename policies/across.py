"""Rules across a stack: objects that belong together, guards of workloads, and references to nothing.

The API server sees one object at a time and cannot judge these. Each rule is a function of the whole stack;
what is made outside of it does not exist for them, and needs an exemption that says so. A name that is not
known yet is another resource's output, and cannot be misspelt: it is taken to be right.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .expression import Unknown
from .judgement import Manifest, name
from .references import READ_ELSEWHERE, all_references, made_elsewhere
from .rule import Level, Severity
from .stack import Reference, Stack, Workload, below, listed, namespace, objects, own, selects

Found = Iterator[tuple[Manifest, str]]


@dataclass(frozen=True, kw_only=True)
class StackRule:
    """One rule across a stack. `judge` yields the object that breaks it and what is wrong with it."""

    id: str
    category: str
    severity: Severity
    judge: Callable[[Stack], Found]
    protects: str
    remedy: str
    level: Level = Level.MANDATORY
    pack_only: str = "the API server sees one object at a time"

    def message(self, manifest: Manifest, detail: str) -> str:
        """Return a message that names the object, the violation and the remedy."""
        return f"{name(manifest)} ({detail}): {self.remedy}."


def _network_policies(stack: Stack) -> Found:
    for workload in stack.workloads:
        covered = {
            direction
            for policy in stack.of("NetworkPolicy")
            if namespace(policy) == namespace(workload.manifest)
            and selects(below(policy, "spec", "podSelector"), workload.labels)
            for direction in _directions(policy)
        }
        for direction in ("Ingress", "Egress"):
            if direction not in covered:
                yield workload.manifest, f"no NetworkPolicy governs its {direction.lower()}"


def _directions(policy: Manifest) -> list[Any]:
    spec = below(policy, "spec")
    # The API server's defaults.
    return [str(entry) for entry in listed(spec, "policyTypes")] or [
        "Ingress",
        *(["Egress"] if listed(spec, "egress") else []),
    ]


def _budgets(stack: Stack) -> Found:
    for workload in _replicated(stack):
        if not any(
            namespace(budget) == namespace(workload.manifest)
            and selects(below(budget, "spec", "selector"), workload.labels)
            for budget in stack.of("PodDisruptionBudget")
        ):
            yield workload.manifest, "no PodDisruptionBudget selects it"


def _replicated(stack: Stack) -> Iterator[Workload]:
    """Yield workloads that may have several pods: of one, a budget can only forbid or allow the end."""
    scaled = [workload.manifest for workload, _ in _autoscaled(stack)]
    for workload in stack.workloads:
        manifest = workload.manifest
        if workload.operated or not workload.lasting or manifest["kind"] in ("Pod", "DaemonSet"):
            continue
        replicas = below(manifest, "spec").get("replicas")
        if any(manifest is entry for entry in scaled) or (isinstance(replicas, int) and replicas > 1):
            yield workload


def _services(stack: Stack) -> Found:
    for workload in stack.workloads:
        if not workload.lasting or not workload.ports or workload.operated:
            continue
        serving = [service for service in stack.of("Service") if _serves(service, workload)]
        if not serving:
            yield workload.manifest, "no Service selects it"
        for service in serving:
            for port in objects(service, "spec", "ports"):
                target = port.get("targetPort", port.get("port"))
                if not any(target in declared for declared in workload.ports):
                    yield service, f"port {target} is none of the pods'"


def _serves(service: Manifest, workload: Workload) -> bool:
    selector = below(service, "spec", "selector")
    alike = namespace(service) == namespace(workload.manifest)
    return bool(selector) and alike and selects({"matchLabels": selector}, workload.labels)


def _references(stack: Stack) -> Found:
    elsewhere = made_elsewhere(stack)
    for manifest, reference in all_references(stack):
        if isinstance(reference.name, Unknown) or reference.name == "default":
            continue
        if any(manifest is entry for entry in stack.settled):
            continue
        if (namespace(manifest), reference.kind, reference.name) in elsewhere:
            continue
        if not stack.has(reference.kind, reference.name, namespace(manifest)):
            yield manifest, f"{reference.kind} {reference.name} is not part of the stack"


def _dangling(stack: Stack) -> Found:
    used = [(reference.kind, reference.name) for _, reference in all_references(stack)]
    # Such a reference may mean any object of its kind.
    open_kinds = {kind for kind, name in used if isinstance(name, Unknown)}
    for manifest in stack.of("ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim", "Role"):
        kind, known = manifest["kind"], own(manifest)
        if isinstance(known, Unknown) or kind in open_kinds or (kind, known) in used:
            continue
        annotations = below(manifest, "metadata").get("annotations")
        # Where they are not known yet, they may say so.
        if isinstance(annotations, Unknown) and kind == "ConfigMap":
            continue
        if kind != "ConfigMap" or not (annotations or {}).get(READ_ELSEWHERE):
            yield manifest, "nothing refers to it"
    for manifest in stack.of("PodDisruptionBudget", "NetworkPolicy", "Service"):
        spec = below(manifest, "spec")
        selector = spec.get("podSelector", spec.get("selector"))
        if manifest["kind"] == "Service":
            if not selector:
                continue
            selector = {"matchLabels": selector}
        if below({"of": selector}, "of") and not any(
            selects(selector or {}, workload.labels) and namespace(manifest) == namespace(workload.manifest)
            for workload in stack.workloads
        ):
            yield manifest, "its selector selects nothing"


def _narrow(stack: Stack) -> Found:
    unknown = any(
        reference.kind == "Secret" and isinstance(reference.name, Unknown)
        for workload in stack.workloads
        for reference in workload.references
    )
    for secret in stack.of("Secret"):
        readers = {
            index: {reference.key for reference in workload.references if _is_of(reference, secret)}
            for index, workload in enumerate(stack.workloads)
        }
        readers = {index: keys for index, keys in readers.items() if keys}
        whole = [stack.workloads[index] for index, keys in readers.items() if "" in keys]
        keys = {*below(secret, "data"), *below(secret, "stringData")}
        if len(readers) > 1 and len(keys) > 1:
            for workload in whole:
                # A custom resource names a whole Secret; what it reads of it is its operator's business.
                if not workload.operated:
                    yield workload.manifest, f"it takes all of Secret {own(secret)}, which others share"
        # A Secret of the type basic-auth has a username.
        unread = keys - set().union(*readers.values()) - {"username"}
        if readers and not whole and unread and not unknown:
            yield secret, f"nothing reads {', '.join(sorted(unread))}"


def _is_of(reference: Reference, secret: Manifest) -> bool:
    return reference.kind == "Secret" and isinstance(reference.name, str) and reference.name == own(secret)


def _changing(stack: Stack) -> Found:
    read = {
        (namespace(workload.manifest), reference.name)
        for workload in stack.workloads
        for reference in workload.environment
        if reference.kind == "Secret"
    }
    for secret in stack.of("Secret"):
        # An unknown value may be true; `secret-immutable` judges it once it is known.
        can_change = secret.get("immutable") is not True and not isinstance(secret.get("immutable"), Unknown)
        if can_change and (namespace(secret), own(secret)) in read:
            yield secret, "a pod's environment reads it, and it can change"


def _fixed_replicas(stack: Stack) -> Found:
    for workload, _ in _autoscaled(stack):
        if "replicas" in below(workload.manifest, "spec"):
            yield workload.manifest, "replicas is set although a HorizontalPodAutoscaler owns it"


def _autoscaler_requests(stack: Stack) -> Found:
    for workload, autoscaler in _autoscaled(stack):
        shares = {
            share
            for metric in objects(autoscaler, "spec", "metrics")
            if isinstance(share := below(metric, "resource").get("name"), str)
            and below(metric, "resource", "target").get("type") == "Utilization"
        }
        for container in objects(workload.pod, "containers"):
            missing = sorted(
                share for share in shares if share not in below(container, "resources", "requests")
            )
            if missing:
                yield workload.manifest, f"container {container.get('name')} requests no {', '.join(missing)}"


def _autoscaled(stack: Stack) -> Iterator[tuple[Workload, Manifest]]:
    for autoscaler in stack.of("HorizontalPodAutoscaler"):
        target = below(autoscaler, "spec", "scaleTargetRef")
        for workload in stack.workloads:
            manifest = workload.manifest
            if (manifest["kind"], own(manifest)) == (target.get("kind"), target.get("name")) and namespace(
                manifest
            ) == namespace(autoscaler):
                yield workload, autoscaler


def _accounts(stack: Stack) -> Found:
    users: dict[tuple[Any, Any], Workload] = {}
    for workload in stack.workloads:
        account = workload.pod.get("serviceAccountName")
        if not isinstance(account, str):
            continue
        first = users.setdefault((namespace(workload.manifest), account), workload)
        if first.labels != workload.labels and not _same_program(first.labels, workload.labels):
            yield workload.manifest, f"{name(first.manifest)} uses ServiceAccount {account} too"


def _same_program(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    keys = ("app.kubernetes.io/name", "app")
    return any(key in first and first.get(key) == second.get(key) for key in keys)


def _namespaces(stack: Stack) -> Found:
    for manifest in stack.of("Namespace"):
        if isinstance(own(manifest), Unknown):
            continue
        for kind in ("ResourceQuota", "LimitRange"):
            if not any(namespace(guard) == own(manifest) for guard in stack.of(kind)):
                yield manifest, f"it has no {kind}"
        if not any(
            _denies_all(policy) and namespace(policy) == own(manifest) for policy in stack.of("NetworkPolicy")
        ):
            yield manifest, "no NetworkPolicy denies what none allows"


def _denies_all(policy: Manifest) -> bool:
    spec = below(policy, "spec")
    opens = listed(spec, "ingress") or listed(spec, "egress")
    everything = not below(spec, "podSelector") and {"Ingress", "Egress"} <= set(_directions(policy))
    return everything and not opens


STACK_RULES = (
    StackRule(
        id="workload-network-policy",
        category="network",
        severity=Severity.HIGH,
        judge=_network_policies,
        protects="Each pod has only the connections that it needs.",
        remedy="select its pods with NetworkPolicies of both types, such as one that denies everything",
    ),
    StackRule(
        id="workload-disruption-budget",
        category="availability",
        severity=Severity.HIGH,
        judge=_budgets,
        protects="Draining nodes takes replicas one by one.",
        remedy="make a PodDisruptionBudget with maxUnavailable: 1 that selects its pods",
    ),
    StackRule(
        id="workload-service",
        category="network",
        severity=Severity.MEDIUM,
        judge=_services,
        protects="What listens is reached by a name, on a port that is there.",
        remedy="let a Service's selector match the pods' labels and its targetPort one of their ports",
    ),
    StackRule(
        id="reference",
        category="stack",
        severity=Severity.HIGH,
        judge=_references,
        protects="No pod waits forever for an object that is never created.",
        remedy="make it part of the stack, correct its name, or exempt it and say who makes it",
    ),
    StackRule(
        id="dangling",
        category="stack",
        severity=Severity.LOW,
        judge=_dangling,
        protects="What is left over, or misses its target by a letter, is noticed.",
        remedy="fix what should refer to it or be selected by it, or leave it out",
    ),
    StackRule(
        id="secret-narrow",
        category="secrets",
        severity=Severity.MEDIUM,
        judge=_narrow,
        protects="A consumer is near no secret that it does not need.",
        remedy="keep in a Secret what is read, and name the keys where it is not all for one workload",
    ),
    StackRule(
        id="secret-environment",
        category="secrets",
        severity=Severity.MEDIUM,
        judge=_changing,
        protects="What a pod's environment holds is what the Secret holds, also after a change.",
        remedy="set immutable: true and name it after its content, or mount it: files are kept up to date",
    ),
    StackRule(
        id="autoscaled-replicas",
        category="availability",
        severity=Severity.HIGH,
        judge=_fixed_replicas,
        protects="An update does not undo what the autoscaler did under load.",
        remedy="leave replicas out of what an autoscaler scales",
    ),
    StackRule(
        id="autoscaler-requests",
        category="availability",
        severity=Severity.HIGH,
        judge=_autoscaler_requests,
        protects="The autoscaler knows what its percentage is a percentage of.",
        remedy="set resources.requests for what it scales by",
    ),
    StackRule(
        id="account-own",
        category="access",
        severity=Severity.MEDIUM,
        judge=_accounts,
        protects="What one workload is allowed, no other has by accident.",
        remedy="make a ServiceAccount for each workload",
    ),
    StackRule(
        id="namespace-guards",
        category="network",
        severity=Severity.HIGH,
        judge=_namespaces,
        protects="A namespace cannot take the whole cluster, and nothing in it is open by being forgotten.",
        remedy="give the namespace a ResourceQuota, a LimitRange and a NetworkPolicy that denies everything",
    ),
)
