"""The site: pods that serve pages, and know nothing of the database."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from . import environment, http_tier, images, names, trust, workload
from .context import Place
from .environment import Environment
from .model.tiers import Frontend as FrontendSettings
from .routes import Upstream


@dataclass(frozen=True, kw_only=True)
class FrontendArgs:
    """What the site runs."""

    place: Place
    settings: FrontendSettings


class Frontend(pulumi.ComponentResource):
    """The site's pods behind one Service. `upstream` is what the edge routes to."""

    upstream: Upstream
    service: pulumi.Output[str]
    version: str

    def __init__(self, name: str, args: FrontendArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Create the pods and their Service."""
        super().__init__("feastflow:kubernetes:Frontend", name, None, opts)
        place, settings = args.place, args.settings
        self.version = images.version(settings.image)
        identity = place.identity(names.FRONTEND, "frontend", self.version)
        values = plain_variables(settings)
        extra = {**trust.variables(settings.ca_bundle), **settings.env}
        variables = environment.variables(
            Environment(plain=values, secret={}, extra=extra, renamed=settings.env_names),
            environment.config("frontend-config", place, identity, values, self),
        )
        created = http_tier.create(
            http_tier.HttpTierArgs(
                place=place,
                identity=identity,
                settings=settings,
                env=variables,
                volumes=trust.volumes("frontend-ca", place, identity, settings.ca_bundle, self),
            ),
            self,
        )
        self.upstream = created.upstream
        self.service = pulumi.Output.concat(
            created.upstream.service, ".", place.namespace, ".svc:", str(settings.port)
        )
        self.register_outputs({"service": self.service})


def plain_variables(settings: FrontendSettings) -> Mapping[str, str]:
    """What the site is told."""
    return {
        "NODE_ENV": "production",
        "PORT": str(settings.port),
        # Next.js binds to the address that HOSTNAME resolves to, and in a pod that is the pod's name.
        "HOSTNAME": "0.0.0.0",  # noqa: S104 - the pod's own network namespace
        "APP_VERSION": images.version(settings.image),
        **workload.lifetime_variables(settings.shutdown),
    }
