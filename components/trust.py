"""A certificate authority of the user's own, mounted where the process looks for it.

Node takes further authorities from one file. Where the database's is one of them, a container that runs first
writes both into one: the database's may be known to the cluster alone.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_kubernetes import core

from . import environment, expansion
from .access import AUTHORITY, NODE_AUTHORITIES, Engine
from .context import Place
from .model.workload import CaBundle, Resources
from .names import Identity
from .workload import Container, Volume

_FILE = "ca.crt"
_BOTH_FOLDER = "/etc/feastflow/authorities"
_BOTH = f"{_BOTH_FOLDER}/{_FILE}"


def projected(
    name: str, place: Place, identity: Identity, bundle: CaBundle, folder: str, parent: pulumi.Resource
) -> dict[str, Any]:
    """Create the ConfigMap of the certificates; return the projected volume that has them below `folder`."""
    created = environment.config(name, place, identity, {_FILE: bundle.pem}, parent)
    item = {"key": _FILE, "path": bundle.path.removeprefix(folder)}
    return {"sources": [{"configMap": {"name": created, "items": [item]}}]}


def variables(bundle: CaBundle | None) -> Mapping[str, str]:
    """What tells the process of the authority."""
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


def is_joined(bundle: CaBundle | None, engine: Engine) -> bool:
    """Whether Node has to trust the bundle and the database's authority."""
    return bundle is not None and NODE_AUTHORITIES in bundle.variables and engine.ca_secret is not None


def with_database(bundle: CaBundle | None, engine: Engine) -> Mapping[str, str]:
    """Return what drivers read to verify the database's server, while Node trusts the bundle too."""
    return {**engine.client_variables(), **({NODE_AUTHORITIES: _BOTH} if is_joined(bundle, engine) else {})}


def joined_volumes(bundle: CaBundle | None, engine: Engine) -> tuple[Volume, ...]:
    """Return where both are written, where both are wanted."""
    if not is_joined(bundle, engine):
        return ()
    source = core.v1.VolumeArgs(
        name="authorities", empty_dir=core.v1.EmptyDirVolumeSourceArgs(size_limit="1Mi")
    )
    return (Volume(source=source, path=_BOTH_FOLDER, read_only=False),)


def joining(
    bundle: CaBundle | None, engine: Engine, image: str, resources: Resources
) -> tuple[Container, ...]:
    """Return the container that writes both into one file, where both are wanted; `image` has a shell."""
    if bundle is None or not is_joined(bundle, engine):
        return ()
    # A PEM file may end without a newline, and then the next one's first line would be lost.
    write = '{ cat "$0"; echo; cat "$1"; } > "$2"'
    return (
        Container(
            name="authorities",
            image=image,
            command=("sh", "-c", write, AUTHORITY, expansion.literal(bundle.path), _BOTH),
            resources=resources,
        ),
    )
