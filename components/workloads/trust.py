"""A certificate authority of the user's own, mounted where the process looks for it."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_kubernetes import core

from ..settings.model.workload import CaBundle
from ..settings.values import expansion
from ..settings.values.names import Identity
from . import environment
from .context import Place
from .workload import Volume

_FILE = "ca.crt"


def projected(
    name: str, place: Place, identity: Identity, bundle: CaBundle, folder: str, parent: pulumi.Resource
) -> dict[str, Any]:
    """Create the ConfigMap of the certificates; return the projected volume that has them below `folder`."""
    created = environment.config(name, place, identity, {_FILE: bundle.pem}, parent)
    item = {"key": _FILE, "path": bundle.path.removeprefix(folder)}
    return {"sources": [{"configMap": {"name": created, "items": [item]}}]}


def variables(bundle: CaBundle | None) -> Mapping[str, str]:
    """Return the variables that tell the process of the authority."""
    return dict.fromkeys(bundle.variables, expansion.literal(bundle.path)) if bundle else {}


def volumes(
    name: str, place: Place, identity: Identity, bundle: CaBundle | None, parent: pulumi.Resource
) -> tuple[Volume, ...]:
    """Create the ConfigMap of the certificates; return where it is mounted."""
    if bundle is None:
        return ()
    created = environment.config(name, place, identity, {_FILE: bundle.pem}, parent)
    source = core.v1.VolumeArgs(name="ca-bundle", config_map=core.v1.ConfigMapVolumeSourceArgs(name=created))
    return (Volume(source=source, path=bundle.path, sub_path=_FILE),)
