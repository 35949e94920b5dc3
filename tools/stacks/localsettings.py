"""Settings that fit a stack to the local cluster and the demo. What the stack's file says goes before them.

A stack's file is for any cluster; that the local one has three zones, names of its own and no authority that
signs for them is said here, and what the demo needs in `demo/settings.yaml`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from components.settings.model.stack import is_production
from components.settings.values.merging import merged
from tools.stacks.workspace import Config, section

_DEMO = Path(__file__).parents[2] / "demo" / "settings.yaml"
# The demo's API, as it is built here.
_DEMO_API = re.compile(r"localhost/feastflow/backend:[0-9a-f]+")
_ZONES = 3
# Of the stacks of this checkout: the cluster's usual ports for http and https.
_PORTS = {"dev": 8080, "prod": 8443}
_LEVELS, _EXEMPTIONS, _TLS_RULE = "policies:levels", "policies:exemptions", "ingress-tls"
_LOCAL_NAME = "its host ends in .localhost and is served on this machine alone"
_UNSIGNED = {
    "rule": "ingress-certificate",
    "resource": "Ingress/feastflow",
    "reason": (
        "No authority signs for a name that only the local cluster knows; "
        "for your own, set edge.tls.issuer or edge.tls.secretName and remove this."
    ),
    "expires": "2027-05-15",
}
_NO_STORE = {
    "rule": "postgres-backup",
    "reason": (
        "The local cluster has no store of objects; for your own, set database.backup and remove this."
    ),
    "expires": "2027-05-15",
}


def of(config: Config, *, demo: bool) -> dict[str, Any]:
    """Return what is added to a stack's settings on the local cluster; with `demo` also what that needs."""
    found = _lacking(config, {"feastflow:cluster": {"zones": _ZONES}})
    if demo:
        needs = yaml.safe_load(_DEMO.read_text(encoding="utf-8"))
        found = merged(found, _lacking(config, needs))
    return found if names_its_host(config) else merged(found, _name(config))


def whole(stack: str, config: Config) -> dict[str, Any]:
    """Return the settings as `make up` has them at its usual port, but for images, context and attempts."""
    if names_its_host(config):
        return dict(config)
    port = {"feastflow:edge": {"port": _PORTS[stack]}}
    return merged(merged(config, of(config, demo=True)), port)


def is_demo(reference: str) -> bool:
    """Return whether this is the name of the demo's API, as it is built here."""
    return _DEMO_API.fullmatch(reference) is not None


def names_its_host(config: Config) -> bool:
    """Return whether the stack's file says where the site is reached."""
    return "host" in section(config, "edge")


def _name(config: Config) -> dict[str, Any]:
    """A name on this machine, and what the rules must be told of it."""
    found: dict[str, Any] = {"feastflow:edge": {"host": f"{config.get('feastflow:namespace')}.localhost"}}
    tls = section(config, "edge").get("tls")
    tls = tls if isinstance(tls, Mapping) else {}
    levels = config.get(_LEVELS)
    level = levels.get(_TLS_RULE) if isinstance(levels, Mapping) else None
    if isinstance(level, Mapping) and level.get("level") == "disabled":
        found[_LEVELS] = {_TLS_RULE: {"reason": _LOCAL_NAME}}
    lacking = []
    if tls.get("enabled") is True and not {"issuer", "secretName"} & tls.keys():
        lacking.append(_UNSIGNED)
    database = section(config, "database")
    ours = database.get("engine") != "external"
    if ours and not database.get("backup") and is_production(str(config.get("feastflow:environment"))):
        kind = "Cluster" if database.get("engine") == "replicated" else "StatefulSet"
        lacking.append({**_NO_STORE, "resource": f"{kind}/postgres"})
    if lacking:
        found[_EXEMPTIONS] = [*(config.get(_EXEMPTIONS) or []), *lacking]
    return found


def _lacking(config: Config, wanted: Config) -> dict[str, Any]:
    """Those of the settings that the stack's file does not have, key by key."""
    found = {}
    for key, value in wanted.items():
        known = config.get(key)
        if isinstance(value, Mapping) and (known is None or isinstance(known, Mapping)):
            below = _lacking(known or {}, value)
            if below:
                found[key] = below
        elif key not in config:
            found[key] = value
    return found
