"""Suitability of the cluster for the stack: refused where its lack is certain, warned where it is not."""

import json
from collections.abc import Iterable, Iterator, Mapping

import pulumi

from ..settings.model.stack import Stack
from ..settings.problem import problem
from ..settings.values import names
from . import offered, supported
from .cluster.live import Seen
from .cluster.rights import Need
from .cluster.survey import Survey

_HEAD = "The cluster cannot take the stack as its settings are; nothing was changed."
_SET = "pulumi config set --path feastflow:"


def check(stack: Stack, seen: Seen | None, unset: Iterable[str] = ()) -> None:
    """Refuse a cluster that certainly cannot take the stack, in one message.

    `unset` are further problems: what a stack must name before it is deployed anywhere.

    Raises:
        pulumi.RunError: with everything that was found, why it matters, and what to do.
    """
    if seen is None or seen.survey is None:
        return
    for warning in _doubts(stack, seen.survey):
        pulumi.log.warn(f"{seen.name}: {warning}")
    found = [*unset, *_problems(stack, seen.name, seen.survey)]
    if found:
        raise pulumi.RunError("\n\n".join([_HEAD, *found]))


def _problems(stack: Stack, name: str, survey: Survey) -> Iterator[str]:
    if survey.version and survey.version < supported.OLDEST:
        yield problem(
            "kubernetes:context",
            f"{name}: Kubernetes {supported.told(survey.version)}",
            f"the stack's objects and admission policies are validated for {supported.span()}; an older "
            "cluster may refuse some of them in the middle of an update, or drop fields without a word",
            "upgrade the cluster, or name another one: pulumi config set kubernetes:context NAME",
        )
    yield from _dns_problems(stack, survey)
    yield from _operator_problems(stack, survey)
    yield from offered.problems(stack, name, survey.offers, survey.needed)
    if survey.missing and len(survey.missing) < len(survey.needed):
        yield _rights_problem(stack, name, survey.missing)


def _doubts(stack: Stack, survey: Survey) -> Iterator[str]:
    tenancy, database = stack.tenancy, stack.database
    if survey.version and survey.version > supported.NEWEST:
        yield (
            f"Kubernetes {supported.told(survey.version)} is newer than the versions that the stack's "
            f"objects are validated for ({supported.span()}): read what it removes before you deploy "
            "(https://kubernetes.io/docs/reference/using-api/deprecation-guide/)"
        )
    if survey.dns_is_known and survey.dns is None:
        yield (
            f"no pod in {tenancy.dns_namespace} has the labels of tenancy.dnsLabels, so no name may be "
            "answered; where the cluster's DNS runs elsewhere, see docs/networking.md"
        )
    if survey.node_local and not tenancy.dns_addresses:
        yield (
            "NodeLocal DNSCache runs here, and pods that ask it are cut off from it; if theirs do "
            f"(nameserver in /etc/resolv.conf): {_SET}'tenancy.dnsAddresses[0]' {survey.node_local[0]}"
        )
    if survey.operators is not None and not _own(stack, survey):
        elsewhere = sorted({each.partition("/")[0] for each in survey.operators})
        where = f", but in {', '.join(elsewhere)}" if elsewhere else ""
        setting = f"; if it is that one: {_SET}database.operatorNamespace {elsewhere[0]}" if elsewhere else ""
        yield (
            f"no operator of CloudNativePG was found in {database.operator_namespace}{where}; without one "
            f"the database does not start, and the update waits for it in vain{setting}"
        )
    yield from offered.doubts(stack, survey.offers)
    if survey.unmade:
        yield (
            f"it defines {' and '.join(map(str, survey.unmade))}, and this account may make none: collectors "
            f"have to find the pods by their annotations, and the rules in the ConfigMap {names.RULES}"
        )
    if survey.missing and len(survey.missing) == len(survey.needed):
        yield "the account may make nothing of what the stack consists of: it can preview, and not deploy"


def _dns_problems(stack: Stack, survey: Survey) -> Iterator[str]:
    tenancy, dns = stack.tenancy, survey.dns
    if dns is None:
        return
    labels = tenancy.dns_selector
    if (dns.namespace, dict(dns.labels)) != (tenancy.dns_namespace, labels):
        yield problem(
            "feastflow:tenancy.dnsNamespace",
            f"{tenancy.dns_namespace}, where no pod has the labels {_text(labels)}",
            f"the cluster's DNS pods are in {dns.namespace} with {_text(dns.labels)}: no pod of the stack "
            "could ask for a name",
            "in the stack's file, set feastflow:tenancy to "
            f'{{"dnsNamespace": "{dns.namespace}", "dnsLabels": {json.dumps(dict(dns.labels))}'
            + (f', "dnsPorts": {list(dns.ports)}' if dns.ports and dns.ports != (53,) else "")
            + "}",
        )
    elif dns.ports and not set(dns.ports) & set(tenancy.dns_ports):
        yield problem(
            "feastflow:tenancy.dnsPorts",
            f"{list(tenancy.dns_ports)}, and the DNS pods listen on {list(dns.ports)}",
            "policies compare the port of the pods, not that of their Service: no name would be answered",
            f"{_SET}'tenancy.dnsPorts[0]' {dns.ports[0]}",
        )


def _operator_problems(stack: Stack, survey: Survey) -> Iterator[str]:
    database = stack.database
    own = _own(stack, survey)
    if database.operator_account and own and database.operator_account not in own:
        yield problem(
            "feastflow:database.operatorAccount",
            f"{database.operator_account}, and the operator in {database.operator_namespace} runs as "
            + ", ".join(own),
            "the admission policies let that account alone make what the database needs, and its Secrets "
            "would be refused while the update waits",
            f"{_SET}database.operatorAccount {own[0]}",
        )
    elif own == ["default"] and not database.operator_account:
        yield problem(
            "feastflow:database.operatorAccount",
            f"the operator in {database.operator_namespace} runs as the account default",
            "whatever else runs there without an account of its own has this one, and no policy would judge "
            "it",
            "install the operator with an account of its own, as its manifest and its chart do",
        )


def _rights_problem(stack: Stack, name: str, missing: tuple[Need, ...]) -> str:
    settings = list(dict.fromkeys(need.setting for need in missing if need.setting.startswith("tenancy.")))
    lines = [f"{need}{f' {need.name}' if need.name else ''}" for need in missing]
    ways = [f"{_SET}{setting} false" for setting in settings if setting != "tenancy.signatures"]
    way = "" if not ways else "leave out what an administrator gives instead:\n" + "\n".join(ways)
    ask = f"have an administrator grant it: make deployer-role STACK={pulumi.get_stack()} SUBJECT=YOUR-USER"
    if "tenancy.createNamespace" in settings:
        way += f"\n(the namespace {stack.namespace} has to exist then, and to be empty)"
    return problem(
        f"rights in {stack.namespace}",
        f"{name}: this account may neither create nor change\n" + "\n".join(lines),
        "the update would stop at the first of them, with the rest half made",
        f"{way}\nor {ask}" if way else ask,
    )


def _own(stack: Stack, survey: Survey) -> list[str]:
    prefix = f"{stack.database.operator_namespace}/"
    return [each.removeprefix(prefix) for each in survey.operators or () if each.startswith(prefix)]


def _text(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in labels.items())
