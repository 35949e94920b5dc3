"""The rules at the API server: what a preview would refuse cannot get into the namespace otherwise.

The table of rules, its levels and its exemptions are those of the policy pack (policies/). The objects belong
to the cluster and are bound to the one namespace.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pulumi
from pulumi_kubernetes import apiextensions, meta

from policies import admission
from policies.configuration import Configuration
from policies.rule import Level
from policies.rules import RULES

from ..settings.model.stack import Kubeconfig, Stack
from ..settings.values import names
from . import in_force

_VERSION = "admissionregistration.k8s.io/v1"


def enforce(
    stack: Stack,
    rules: Configuration,
    namespace: pulumi.Output[str],
    parent: pulumi.Resource,
    operator: str | pulumi.Output[str] = "",
    asked: Kubeconfig | None = None,
) -> pulumi.Output[str]:
    """Create a ValidatingAdmissionPolicy and its binding for each level that has rules.

    Return the namespace for what is judged: known when the API server, `asked` by this kubeconfig, judges by
    these rules. `operator` is the account of the database's operator, as `namespace/name`.
    """
    options = pulumi.ResourceOptions(parent=parent)
    today = dt.datetime.now(tz=dt.UTC).date()

    def specifications(account: str) -> dict[Level, dict[str, Any]]:
        return admission.policies(RULES, rules, _trusted(stack, account), today)

    judged = namespace
    for level, own in specifications(operator if isinstance(operator, str) else "").items():
        specification: Any = (
            own if isinstance(operator, str) else operator.apply(partial(_at, specifications, level))
        )
        # The namespace is part of the name: the objects belong to the cluster, and two stacks share one.
        name = f"{stack.namespace}-{level}"
        metadata = meta.v1.ObjectMetaArgs(name=name, labels=names.common_labels(stack.namespace))
        policy = apiextensions.CustomResource(
            f"admission-{level}",
            api_version=_VERSION,
            kind="ValidatingAdmissionPolicy",
            metadata=metadata,
            spec=specification,
            opts=options,
        )
        apiextensions.CustomResource(
            f"admission-{level}-binding",
            api_version=_VERSION,
            kind="ValidatingAdmissionPolicyBinding",
            metadata=metadata,
            spec=admission.binding(name, level, namespace),
            opts=pulumi.ResourceOptions(parent=parent, depends_on=[policy]),
        )
        if level is Level.MANDATORY:
            probe = pulumi.Output.from_input(specification).apply(
                lambda denying: admission.probe(denying, stack.namespace)
            )
            judged = in_force.name(namespace, asked, policy, probe)
    return judged


def _at(specifications: Callable[[str], Mapping[Level, Any]], level: Level, operator: str) -> Any:  # noqa: ANN401
    return specifications(operator)[level]


def _trusted(stack: Stack, operator: str) -> list[str]:
    """Return the accounts that make what a judged object asks for: the database's operator, and those named.

    None of them is in the stack's own namespace, where others may create accounts; the model refuses that.
    """
    accounts = [
        *([operator] if operator and stack.database.engine == "replicated" else ()),
        *stack.tenancy.trusted_accounts,
    ]
    return [f"system:serviceaccount:{account.replace('/', ':')}" for account in dict.fromkeys(accounts)]
