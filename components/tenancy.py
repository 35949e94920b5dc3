"""The namespace and its guards, which no deployment into it can forget or weaken."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core, meta, rbac, scheduling

from policies.configuration import Configuration
from policies.references import MADE_ELSEWHERE

from .guards import admission, ownership, signatures
from .guards.cluster import live
from .settings.derived import sizing
from .settings.model.external import external
from .settings.model.stack import Kubeconfig, Stack
from .settings.values import names
from .tiers import TIERS
from .workloads import network, workload
from .workloads.context import Place

_LEVEL = "restricted"
_STORAGE = "ephemeral-storage"
_MODES = ("enforce", "audit", "warn")


@dataclass(frozen=True, kw_only=True)
class TenancyArgs:
    """The stack whose namespace it is, what its file says about the rules, and the stack's UUID.

    `operator` is the account of the database's operator, as `namespace/name`. By the kubeconfig `asked` the
    API server is asked whether it judges by the rules of this update yet; without one, nothing is awaited.
    """

    stack: Stack
    rules: Configuration
    owner: pulumi.Input[str]
    operator: str | pulumi.Output[str] = ""
    asked: Kubeconfig | None = None


class Tenancy(pulumi.ComponentResource):
    """The namespace: Pod Security `restricted`, its size, who may look, no traffic until a tier asks.

    Not a goal: a namespace that others also deploy to. The stack owns it, and destroying the stack deletes
    it, unless it was given (`tenancy.createNamespace: false`): then Pod Security's labels, ResourceQuota,
    LimitRange and who may look are left to its giver, since an administrator of the namespace alone may not
    write them.
    """

    place: Place
    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: TenancyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Create the namespace; `place` is what the tiers need of it."""
        super().__init__("feastflow:kubernetes:Tenancy", name, None, opts)
        stack, settings = args.stack, args.stack.tenancy
        self._labels = names.common_labels(stack.namespace)
        self._child = pulumi.ResourceOptions(parent=self)
        self.namespace = self._owned(args)
        if settings.admission_policies:
            self.namespace = admission.enforce(
                stack, args.rules, self.namespace, self, args.operator, args.asked
            )
        sizes = self._size(stack) if settings.create_namespace else ()
        if settings.create_namespace:
            self._developers(settings.developers)
        network.allow_dns(self._metadata("allow-dns"), settings, self)
        self.place = Place(
            namespace=self.namespace,
            instance=stack.namespace,
            environment=stack.environment,
            cluster=stack.cluster,
            protect=settings.protect,
            observability=stack.observability,
            priorities=self._priorities(stack.namespace) if settings.priority_classes else {},
            sizes=sizes,
        )
        self.register_outputs({"namespace": self.namespace})

    def _owned(self, args: TenancyArgs) -> pulumi.Output[str]:
        """Create the namespace and the policy that denies all traffic; the first has the owner's mark.

        Whatever else is created waits for the mark: an update that is cut off leaves nothing without it.
        """
        stack, settings = args.stack, args.stack.tenancy
        owned = {live.OWNER: pulumi.Output.from_input(args.owner).apply(ownership.mark)}
        known = {MADE_ELSEWHERE: " ".join(named)} if (named := external(stack)) else {}
        deny = meta.v1.ObjectMetaArgs(
            name=live.OWNED, namespace=stack.namespace, labels=self._labels, annotations={**known}
        )
        if not settings.create_namespace:
            deny.annotations = {**known, **owned}
            return _existing(network.default_deny(deny, self), stack.namespace)
        verified = signatures.policies(stack, self)
        namespace = core.v1.Namespace(
            "namespace",
            metadata=meta.v1.ObjectMetaArgs(
                name=stack.namespace,
                labels={
                    **self._labels,
                    **pod_security(settings.pod_security_version),
                    **(signatures.GUARDED if verified else {}),
                },
                annotations=owned,
            ),
            # Once the namespace is guarded, an image that no policy knows is refused.
            opts=pulumi.ResourceOptions(parent=self, protect=settings.protect, depends_on=verified),
        )
        deny.namespace = _existing(namespace, stack.namespace)
        network.default_deny(deny, self)
        return deny.namespace

    def _metadata(self, name: str) -> meta.v1.ObjectMetaArgs:
        return meta.v1.ObjectMetaArgs(name=name, namespace=self.namespace, labels=self._labels)

    def _size(self, stack: Stack) -> tuple[pulumi.Resource, ...]:
        quota = core.v1.ResourceQuota(
            "quota",
            metadata=self._metadata(names.PART_OF),
            spec=core.v1.ResourceQuotaSpecArgs(hard=sizing.quota(stack)),
            opts=self._child,
        )
        small = stack.frontend.resources
        volume = sizing.largest_volume(stack)
        limits = core.v1.LimitRange(
            "limits",
            metadata=self._metadata(names.PART_OF),
            spec=core.v1.LimitRangeSpecArgs(
                limits=[
                    core.v1.LimitRangeItemArgs(
                        type="Container",
                        max=sizing.largest_container(stack),
                        # For a container that says nothing: the quota would refuse it without numbers.
                        default={**small.limits.model_dump(), _STORAGE: workload.LOCAL_STORAGE},
                        default_request={
                            **small.requests.model_dump(),
                            _STORAGE: workload.LOCAL_STORAGE_REQUEST,
                        },
                    ),
                    *(
                        [core.v1.LimitRangeItemArgs(type="PersistentVolumeClaim", max={"storage": volume})]
                        if volume
                        else []
                    ),
                ]
            ),
            opts=self._child,
        )
        return quota, limits

    def _developers(self, group: str) -> None:
        role = rbac.v1.Role(
            "developer",
            metadata=self._metadata("developer"),
            rules=[
                rbac.v1.PolicyRuleArgs(
                    api_groups=[""], resources=["pods", "pods/log"], verbs=["get", "list", "watch"]
                )
            ],
            opts=self._child,
        )
        rbac.v1.RoleBinding(
            "developers",
            metadata=self._metadata("developers"),
            role_ref=rbac.v1.RoleRefArgs(
                api_group="rbac.authorization.k8s.io",
                kind="Role",
                name=role.metadata.apply(lambda metadata: str(metadata.name)),
            ),
            subjects=[rbac.v1.SubjectArgs(api_group="rbac.authorization.k8s.io", kind="Group", name=group)],
            opts=self._child,
        )

    def _priorities(self, instance: str) -> Mapping[str, pulumi.Input[str]]:
        classes: dict[str, pulumi.Input[str]] = {}
        for tier in TIERS:
            created = scheduling.v1.PriorityClass(
                f"priority-{tier.name}",
                # The namespace is part of the name: the class belongs to the cluster, and two stacks share
                # one.
                metadata=meta.v1.ObjectMetaArgs(name=f"{instance}-{tier.name}", labels=self._labels),
                value=tier.priority,
                # It decides who stays; it is no reason to throw another stack's pods out.
                preemption_policy="Never",
                global_default=False,
                description=f"The {tier.name} of {instance}.",
                opts=self._child,
            )
            classes[tier.name] = created.metadata.apply(lambda metadata: str(metadata.name))
        return classes


def _existing(resource: pulumi.Resource, name: str) -> pulumi.Output[str]:
    """Return the name, known in a preview too, for resources that must wait until the resource exists.

    The metadata of an object that a preview changes is unknown there, and an object whose namespace is
    unknown is shown as replaced.
    """
    return resource.urn.apply(lambda _: name)


def pod_security(version: str) -> dict[str, str]:
    """Labels that make the API server refuse pods below `restricted` as Kubernetes `version` defines it."""
    levels = {f"pod-security.kubernetes.io/{mode}": _LEVEL for mode in _MODES}
    versions = {f"pod-security.kubernetes.io/{mode}-version": version for mode in _MODES}
    return {**levels, **versions}
