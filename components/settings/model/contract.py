"""The contract's variables, which the program sets, and what else may be called like one of them."""

from collections.abc import Iterable, Mapping

from ..values.tiers import TIERS
from .base import refuse
from .jobs import Job
from .workload import Workload

# What the program itself sets; a further value of the same name would silently win or lose.
BACKEND_VARIABLES = (
    *("NODE_ENV", "PORT", "JWT_SECRET", "JWT_EXPIRE", "FRONTEND_URL", "APP_VERSION"),
    *("KEEP_ALIVE_TIMEOUT", "DRAIN_SECONDS"),
    *(variable for tier in TIERS for variable in tier.tells),
)
# Drivers read these by their own names alone: renamed, they would verify nothing or not connect.
TLS_VARIABLES = ("PGSSLMODE", "PGSSLROOTCERT", "NODE_EXTRA_CA_CERTS")
# Switches off the verification of every server, the database's too.
_UNVERIFIED = "NODE_TLS_REJECT_UNAUTHORIZED"
# Where the site's server finds the API inside the namespace, if it calls it there.
BACKEND_URL = "BACKEND_URL"
# https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/: told where
# `observability.otlpEndpoint` is set.
TELEMETRY_VARIABLES = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SERVICE_NAME",
)
FRONTEND_VARIABLES = ("NODE_ENV", "PORT", "HOSTNAME", "APP_VERSION", "KEEP_ALIVE_TIMEOUT", "DRAIN_SECONDS")


def check_names(
    tier: Workload, contract: tuple[str, ...], more: Mapping[str, Mapping[str, str]] | None = None
) -> None:
    """Refuse variables that would be there twice, new names for variables that do not exist, and less TLS.

    `more` are further environments by their keys below the tier.
    """
    environments: dict[str, Mapping[str, object]] = {
        "secrets": tier.secrets,
        **plain_environments(tier),
        **(more or {}),
    }
    _keep_tls(tier, contract, environments)
    for old in tier.env_names:
        if old not in contract:
            raise refuse(
                f"{old} is no variable of the contract ({', '.join(contract)}), so nothing would be renamed",
                f"{contract[0]}: MY_NAME",
                at=f"envNames.{old}",
            )
    names = [tier.env_names.get(name, name) for name in contract]
    # Node reads one file: where the bundle and the database are both meant, it holds both.
    merged = {"NODE_EXTRA_CA_CERTS"} & set(contract)
    names += [name for name in tier.ca_bundle.variables if name not in merged] if tier.ca_bundle else []
    for name in names:
        if names.count(name) > 1:
            raise refuse(
                f"two variables would be called {name}, and one of the two values would be lost",
                "give each variable a name of its own",
                at="envNames",
            )
    for place, env in environments.items():
        for name in env:
            if name in names:
                raise refuse(
                    "the program sets this variable itself, from what it knows of the other tiers",
                    "remove it, or give the program's variable another name in envNames",
                    at=f"{place}.{name}",
                )
            if place != "secrets" and name in tier.secrets:
                raise refuse(
                    "the variable is in secrets too, and one of the two values would be lost",
                    f"remove it here: the value in secrets.{name} is the one that stays secret",
                    at=f"{place}.{name}",
                )


def _keep_tls(
    tier: Workload, contract: tuple[str, ...], environments: Mapping[str, Mapping[str, object]]
) -> None:
    own = [name for name in TLS_VARIABLES if name in contract]
    for name in own:
        if name in tier.env_names:
            raise refuse(
                f"drivers read {name} by this name alone; without it they would trust any server, or none",
                f"remove it; what another driver reads stands in backend.env, as `MY_NAME: $({name})`",
                at=f"envNames.{name}",
            )
    for place, env in environments.items():
        if _UNVERIFIED in env:
            raise refuse(
                "it decides whether Node verifies the servers that it talks to, the database among them",
                f"remove it, and name the authority to trust in {'backend' if own else 'frontend'}.caBundle",
                at=f"{place}.{_UNVERIFIED}",
            )
        if own and "NODE_EXTRA_CA_CERTS" in env:
            raise refuse(
                "the program sets this variable itself, to the authority of the database's certificate",
                "remove it; other authorities to trust stand in backend.caBundle, and Node gets both",
                at=f"{place}.NODE_EXTRA_CA_CERTS",
            )


def plain_environments(tier: Workload) -> dict[str, Mapping[str, str]]:
    """Return the variables that are told in plain text, by the keys that hold them below the tier."""
    release = tier.release
    return {
        "env": tier.env,
        "release.green.env": release.green.env if release.green else {},
        "release.canary.env": release.canary.env if release.canary else {},
    }


def check_telemetry(name: str, tier: Workload, jobs: Mapping[str, Job]) -> None:
    """Refuse OpenTelemetry's variables in what the tier `name` is told: the program sets them."""
    told: dict[str, Iterable[str]] = {
        "secrets": tier.secrets,
        **plain_environments(tier),
        **{f"jobs.{job}.env": each.env for job, each in jobs.items()},
    }
    for place, env in told.items():
        for variable in TELEMETRY_VARIABLES:
            if variable in env:
                raise refuse(
                    "the program sets this variable itself, from observability.otlpEndpoint",
                    "remove it, or remove observability.otlpEndpoint and say all of OpenTelemetry's here",
                    at=f"{name}.{place}.{variable}",
                )
    others = (*tier.env_names.items(), *((each, each) for each in _of_bundle(tier)))
    for old, new in others:
        if new in TELEMETRY_VARIABLES:
            raise refuse(
                f"two variables would be called {new}, and one of the two values would be lost",
                "give it another name, or remove observability.otlpEndpoint",
                at=f"{name}.envNames.{old}" if old != new else f"{name}.caBundle.variables",
            )


def _of_bundle(tier: Workload) -> tuple[str, ...]:
    return tier.ca_bundle.variables if tier.ca_bundle else ()
