"""Settings that break a rule on purpose: refused until the stack's file exempts them with a reason and a day.

The admission policies would refuse the object in the middle of an update; this says so before it begins. What
customers use is held to its certificate whatever the level of the rule.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policies.configuration import Configuration
from policies.judgement import judge
from policies.rule import Level
from policies.rules import RULES

from .derived import tiers, variants
from .model.stack import Stack
from .problem import problem
from .values import names

_ROLLOUT, _SCALES = "rollout-strategy", "autoscaler-range"
_RANGES = next(rule for rule in RULES if rule.id == "network-policy-ranges")
_DAYS = 90


@dataclass(frozen=True, kw_only=True)
class _Deviation:
    """A setting, the rule that it breaks, and the object by whose name the rule is waived."""

    key: str
    found: str
    why: str
    rule: str
    kind: str
    name: str
    # What to set instead, where that is to be preferred.
    instead: str = ""
    # Whatever the rule's level.
    always: bool = False

    def problem(self, today: dt.date) -> str:
        day = today + dt.timedelta(days=_DAYS)
        exemption = (
            f'{{"rule": "{self.rule}", "resource": "{self.kind}/{self.name}", '
            f'"reason": "…", "expires": "{day}"}}'
        )
        return problem(
            f"feastflow:{self.key}",
            found=self.found,
            why=self.why,
            fix=f"{self.instead}in the stack's file, say why it must be, and until when, "
            f"under policies:exemptions: {exemption}",
        )


def problems(stack: Stack, rules: Configuration, today: dt.date) -> list[str]:
    """Each of them in the words of a refusal, but for those that the stack's file exempts."""
    levels = {rule.id: rules.levels.get(rule.id, rule.level) for rule in RULES}
    return [
        deviation.problem(today)
        for deviation in (*_certificates(stack), *_backups(stack), *_at_admission(stack))
        if (deviation.always or levels[deviation.rule] is Level.MANDATORY)
        and not rules.exempt(
            deviation.rule, {"kind": deviation.kind, "metadata": {"name": deviation.name}}, today
        )
    ]


def _at_admission(stack: Stack) -> Iterator[_Deviation]:
    """Yield what the admission policies alone would refuse."""
    if stack.tenancy.admission_policies:
        yield from (
            *_rollouts(stack),
            *_ranges(stack),
            *_api_server(stack),
            *_store(stack),
            *_external(stack),
            *_controllers(stack),
            *_fixed(stack),
        )


def _rollouts(stack: Stack) -> Iterator[_Deviation]:
    for tier in tiers.applications(stack):
        if tier.settings.release.stops_first:
            yield _Deviation(
                key=f"{tier.name}.release.strategy",
                found="recreate",
                why=f"no pod serves while the new ones start, and the rule {_ROLLOUT} protects against that",
                rule=_ROLLOUT,
                kind="Deployment",
                name=tier.facts.workload,
            )


def _certificates(stack: Stack) -> Iterator[_Deviation]:
    tls, is_gateway = stack.edge.tls, stack.edge.mode == "gateway"
    if tls.enabled and tls.certificate:
        return
    # The rule on certificates is mandatory in every environment, and judges Ingresses alone.
    if not stack.production and (is_gateway or not tls.enabled):
        return
    found, rule = "https with the controller's own certificate", "ingress-certificate"
    if not tls.enabled:
        found, rule = "a site without https", "gateway-tls" if is_gateway else "ingress-tls"
    yield _Deviation(
        key="edge.tls",
        found=f"{found}, in {stack.environment}",
        why="whoever is on the way can answer in the site's name, and read and change what customers send",
        rule=rule,
        kind="Gateway" if is_gateway else "Ingress",
        name=names.EDGE,
        instead="set enabled, and issuer or secretName; or, ",
        always=stack.production,
    )


def _backups(stack: Stack) -> Iterator[_Deviation]:
    # An external server is backed up, or not, by whoever runs it.
    if not stack.production or stack.database.backup or stack.database.external:
        return
    yield _Deviation(
        key="database.backup",
        found=f"no backup of the database, in {stack.environment}",
        why="what is deleted by mistake, or with the namespace, is lost, on every instance",
        rule="postgres-backup",
        kind="Cluster" if stack.database.engine == "replicated" else "StatefulSet",
        name=names.DATABASE,
        instead="set destination and credentials (docs/backups.md); or, ",
        always=True,
    )


def _ranges(stack: Stack) -> Iterator[_Deviation]:
    for tier in tiers.applications(stack):
        clients = (tier.facts.workload, *tier.settings.companions)
        for index, host in enumerate(tier.settings.egress):
            for cidr in host.cidrs:
                if judge(_RANGES, _policy(cidr, host.port)):
                    yield from _wide(
                        f"{tier.name}.egress[{index}].cidrs",
                        cidr,
                        "lets a path lead to a /16 at most, or a /48 of IPv6: wider ones are whole networks, "
                        "with what else is in them",
                        map(names.outside, clients),
                        "the host's own range",
                    )


def _store(stack: Stack) -> Iterator[_Deviation]:
    backup = stack.database.backup
    if backup is None:
        return
    clients = (
        names.DATABASE,
        *([names.BACKUPS] if stack.database.copied_by_jobs else []),
        *([names.PROOFS] if stack.database.proved else []),
    )
    for index, cidr in enumerate(backup.cidrs):
        if judge(_RANGES, _policy(cidr, backup.way.port)):
            yield from _wide(
                f"database.backup.cidrs[{index}]",
                cidr,
                "lets a path lead to a /16 at most, or a /48 of IPv6: the database's pods would reach whole "
                "networks, with what else is in them",
                map(names.to_store, clients),
                "the store's own range",
            )


def _external(stack: Stack) -> Iterator[_Deviation]:
    server = stack.database.external
    if server is None:
        return
    clients = (names.BACKEND, *stack.backend.companions, names.ROLES)
    for index, cidr in enumerate(server.cidrs):
        if judge(_RANGES, _policy(cidr, server.port)):
            yield from _wide(
                f"database.external.cidrs[{index}]",
                cidr,
                "lets a path lead to a /16 at most, or a /48 of IPv6: the pods would reach whole networks, "
                "with what else is in them",
                map(names.to_database, clients),
                "the server's own range",
            )


def _api_server(stack: Stack) -> Iterator[_Deviation]:
    if stack.database.engine != "replicated":
        return
    for index, cidr in enumerate(stack.cluster.api_server):
        if any(judge(_RANGES, _policy(cidr, port)) for port in stack.cluster.server_ports):
            yield from _wide(
                f"cluster.apiServer[{index}]",
                cidr,
                "lets a path lead to a /16 at most, or a /48 of IPv6: the database's pods would reach whole "
                "networks, with what else is in them",
                [names.DATABASE_TO_KUBERNETES],
                "the API server's own addresses",
            )


def _controllers(stack: Stack) -> Iterator[_Deviation]:
    behind = [tier.facts.workload for tier in tiers.applications(stack)]
    servers = [*behind, *([names.SOLVER] if stack.edge.tls.issuer else [])]
    for index, cidr in enumerate(stack.edge.controller_cidrs):
        if judge(_RANGES, _policy(cidr, stack.backend.port, inward=True)):
            yield from _wide(
                f"edge.controllerCidrs[{index}]",
                cidr,
                "lets a /16 in at most, or a /48 of IPv6: all others in a wider one could reach the pods "
                "without the edge",
                map(names.from_edge, servers),
                "the controller's own ranges",
            )


def _fixed(stack: Stack) -> Iterator[_Deviation]:
    for tier in tiers.applications(stack):
        settings = tier.settings
        if settings.autoscaling.min_replicas < settings.autoscaling.max_replicas:
            continue
        for variant in variants.plan(settings, weights=stack.edge.weights).variants:
            if variant.replicas is None:
                yield _Deviation(
                    key=f"{tier.name}.autoscaling.maxReplicas",
                    found=str(settings.autoscaling.max_replicas),
                    why=f"it is minReplicas too, and the rule {_SCALES} wants an autoscaler to have "
                    "somewhere to go when load comes",
                    rule=_SCALES,
                    kind="HorizontalPodAutoscaler",
                    name=names.joined(tier.facts.workload, variant.suffix),
                    instead="set maxReplicas higher, or minReplicas lower; or, ",
                )


def _wide(key: str, cidr: str, why: str, policies: Iterable[str], own: str) -> Iterator[_Deviation]:
    """Each policy that opens a range which is wider than the rule allows; `own` is what to name instead."""
    for policy in policies:
        yield _Deviation(
            key=key,
            found=cidr,
            why=f"the rule {_RANGES.id} {why}",
            rule=_RANGES.id,
            kind="NetworkPolicy",
            name=policy,
            instead=f"name {own}; or, ",
        )


def _policy(cidr: str, port: int, *, inward: bool = False) -> dict[str, object]:
    peers, direction = ("from", "ingress") if inward else ("to", "egress")
    rule = {peers: [{"ipBlock": {"cidr": cidr}}], "ports": [{"port": port, "protocol": "TCP"}]}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": {direction: [rule]}}
