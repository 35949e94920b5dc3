"""FeastFlow on Kubernetes: one namespace, from the stack's settings to the addresses it serves."""

from pathlib import Path

import pulumi

from components.backend import Backend, BackendArgs
from components.database import Database, DatabaseArgs
from components.edge import Edge, EdgeArgs
from components.frontend import Frontend, FrontendArgs
from components.guards import apiserver, continuity, monitors, ownership, suitable, trusted
from components.guards.cluster import connection, live
from components.observability import Observability, ObservabilityArgs
from components.outputs import Commands
from components.settings import fingerprint, reader, unset
from components.tenancy import Tenancy, TenancyArgs
from components.tiers import tiers

stack, kubeconfig, rules = reader.load()
connection.check(kubeconfig)
ownership.siblings(Path(__file__).parent, stack, kubeconfig)
replicated = stack.database.engine == "replicated"
seen = live.look(kubeconfig, stack.namespace, addresses=replicated, stack=stack)
suitable.check(stack, seen, unset.problems(reader.whole()))
owner, before = ownership.identity(), continuity.last_update()
allowed = continuity.checked(stack, seen, before, owner)
on_cluster = pulumi.ResourceOptions(providers=[connection.provider(kubeconfig, allowed)])

operator = trusted.operator(stack, seen, before)
tenancy = Tenancy(
    "tenancy",
    TenancyArgs(stack=stack, rules=rules, owner=owner, operator=operator, asked=kubeconfig),
    on_cluster,
)
database = Database(
    "database",
    DatabaseArgs(
        place=tenancy.place,
        settings=stack.database,
        rotation=stack.rotation,
        connections=stack.connections,
        pooled=stack.pooled,
        api_server=apiserver.rules(stack.cluster, seen, before),
        before=before,
    ),
    on_cluster,
)
backend = Backend(
    "backend",
    BackendArgs(
        place=tenancy.place,
        settings=stack.backend,
        database=database.access,
        pooled=database.pooled,
        site_url=stack.edge.url,
        rotation=stack.rotation,
        weights=stack.edge.weights,
    ),
    on_cluster,
)
frontend = Frontend(
    "frontend",
    FrontendArgs(
        place=tenancy.place,
        settings=stack.frontend,
        backend=backend.upstream,
        weights=stack.edge.weights,
    ),
    on_cluster,
)
edge = Edge(
    "edge",
    EdgeArgs(place=tenancy.place, settings=stack.edge, backend=backend.upstream, frontend=frontend.upstream),
    on_cluster,
)
Observability(
    "observability",
    ObservabilityArgs(place=tenancy.place, stack=stack, monitors=monitors.made(stack, seen)),
    on_cluster,
)
retired = database.retire_previous_login(after=backend.rolled_out)

pulumi.export("url", edge.url)
pulumi.export("namespace", tenancy.namespace)
pulumi.export(
    "services", {"database": database.service, "backend": backend.service, "frontend": frontend.service}
)
pulumi.export("versions", {"backend": backend.version, "frontend": frontend.version})
pulumi.export("images", {tier.name: tier.images[0] for tier in tiers(stack)})
pulumi.export("commands", Commands(settings=stack, cluster=kubeconfig).listing())
pulumi.export(
    fingerprint.OUTPUT,
    fingerprint.recorded(reader.whole(), database.key, after=[*backend.rolled_out, edge.route, *retired]),
)
pulumi.export(continuity.OUTPUT, continuity.recorded(stack, seen, before, after=database.access.engine.ready))
