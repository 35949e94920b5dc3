"""The database's authority joined with one of the user's own, for Node.

Node takes further authorities from one file. A container that runs first writes both into one: the database's
may be known to the cluster alone.
"""

from collections.abc import Mapping

from pulumi_kubernetes import core

from ..settings.model.workload import CaBundle, Resources
from ..settings.values import expansion
from ..workloads.workload import Container, Volume
from .access import AUTHORITY, NODE_AUTHORITIES, Engine

_FOLDER = "/etc/feastflow/authorities"
_BOTH = f"{_FOLDER}/ca.crt"


def is_joined(bundle: CaBundle | None, engine: Engine) -> bool:
    """Return whether Node has to trust the bundle and the database's authority."""
    return bundle is not None and NODE_AUTHORITIES in bundle.variables and engine.has_authority


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
    return (Volume(source=source, path=_FOLDER, read_only=False),)


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
