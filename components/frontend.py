"""The site: pods that serve pages, and know nothing of the database."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core, networking

from .http import http_tier, traffic
from .http.traffic import Upstream
from .settings.derived import variants
from .settings.model.contract import BACKEND_URL
from .settings.model.tenancy import Cluster
from .settings.model.tiers import Frontend as FrontendSettings
from .settings.values import images, names
from .settings.values.names import Identity
from .workloads import environment, network, secrets, telemetry, trust, workload
from .workloads.context import Place
from .workloads.environment import Environment, SecretKey


@dataclass(frozen=True, kw_only=True)
class FrontendArgs:
    """The site's settings, and the API that its server may call.

    `weights` says whether the edge divides requests by weight.
    """

    place: Place
    settings: FrontendSettings
    backend: Upstream
    weights: bool = False


class Frontend(pulumi.ComponentResource):
    """The site's pods behind one Service. `upstream` is what the edge routes to.

    `version` is that of what gets the requests, or most of them.
    """

    upstream: Upstream
    service: pulumi.Output[str]
    version: str

    def __init__(self, name: str, args: FrontendArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Create the pods and their Service."""
        super().__init__("feastflow:kubernetes:Frontend", name, None, opts)
        place, settings = args.place, args.settings
        plan = variants.plan(settings, weights=args.weights)
        self.version = images.version(plan.serving.settings.image)
        tier = place.identity(names.FRONTEND, "frontend")
        values = [
            {
                **plain_variables(variant.settings, place.cluster),
                **telemetry.variables(place, tier, images.version(variant.settings.image)),
                **_address(variant.settings, args.backend),
            }
            for variant in plan.variants
        ]
        configs = environment.configs("frontend-config", place, tier, values, self)
        volumes = trust.volumes("frontend-ca", place, tier, settings.ca_bundle, self)
        own = secrets.create(place, tier, settings.secrets, self)
        paths: list[pulumi.Resource] = [*http_tier.outside(place, tier, settings, self)]
        if settings.calls_backend:
            paths += _to_backend(place, tier, args.backend, self)
        pods = [
            http_tier.create(
                http_tier.HttpTierArgs(
                    place=place,
                    identity=tier.variant(variant.suffix, images.version(variant.settings.image)),
                    variant=variant,
                    service=tier.name,
                    env=_variables(variant.settings, plain, config, own),
                    volumes=volumes,
                    after=paths,
                ),
                self,
            )
            for variant, plain, config in zip(plan.variants, values, configs, strict=True)
        ]
        self.upstream = traffic.route(pods, plan.weight, self).upstream
        self.service = pulumi.Output.concat(
            self.upstream.service, ".", place.namespace, ".svc:", str(settings.port)
        )
        self.register_outputs({"service": self.service})


def plain_variables(settings: FrontendSettings, cluster: Cluster) -> Mapping[str, str]:
    """Return the variables of the site."""
    return {
        "NODE_ENV": "production",
        "PORT": str(settings.port),
        # Next.js binds to the address that HOSTNAME resolves to, and in a pod that is the pod's name.
        # `::` takes connections of both families, and does not exist on a node without IPv6.
        "HOSTNAME": "::" if "IPv6" in cluster.ip_families else "0.0.0.0",  # noqa: S104 - the pod's own network
        "APP_VERSION": images.version(settings.image),
        **workload.lifetime_variables(settings.shutdown),
    }


def _address(settings: FrontendSettings, backend: Upstream) -> Mapping[str, str]:
    """Return where the site's server finds the API, in words of the tier's Service, which keeps its name."""
    return {BACKEND_URL: f"http://{backend.server.name}:{backend.port}"} if settings.calls_backend else {}


def _to_backend(
    place: Place, tier: Identity, backend: Upstream, parent: pulumi.Resource
) -> list[networking.v1.NetworkPolicy]:
    server = (backend.server.all_variants, backend.port)
    return network.allow(f"{tier.name}-to-api", place, [tier.all_variants], server, parent)


def _variables(
    settings: FrontendSettings,
    values: Mapping[str, str],
    config: pulumi.Output[str],
    own: Mapping[str, SecretKey],
) -> list[core.v1.EnvVarArgs]:
    extra = {**trust.variables(settings.ca_bundle), **settings.env}
    return environment.variables(
        Environment(plain=values, secret={}, own=own, extra=extra, renamed=settings.env_names), config
    )
