"""The database operator: it comes to a local cluster with the first stack that replicates its database."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tools.cluster import addons, age, programs, record, transport
from tools.cluster.engine import Engine
from tools.toolchain import pins
from tools.toolchain.console import Step
from tools.toolchain.golang import Build

if TYPE_CHECKING:
    from tools.cluster.handle import Cluster  # needs a package, and `make clean-cache` must do without

_SEEN = "operator"


def builds(engine: Engine | None) -> tuple[Build, ...]:
    """Return what `ensure` compiles for a new cluster on this engine: nothing where images are pulled."""
    return (pins.OPERATOR_BUILD,) if engine is not None and engine.own else ()


def key() -> str:
    """Return the name under which the archive of the operator's image is cached."""
    return programs.key(programs.OPERATOR, pins.OPERATOR_BUILD)


def ensure(cluster: Cluster) -> None:
    """Have the operator available; at once when that has been seen since the nodes were started."""
    if record.read(cluster.name).get(_SEEN) == addons.digest():
        return
    with Step("operator", "CloudNativePG") as step:
        if cluster.engine.own:
            image = programs.OPERATOR.image
            save = partial(programs.save_alone, cluster.engine, programs.OPERATOR, pins.OPERATOR_BUILD, step)
            transport.carry(cluster, [image], key(), save, step)
        # An older cluster has older definitions too.
        definitions = [addons.DEFINITIONS_PART] if age.is_older(cluster) else []
        addons.apply(cluster.client, [*definitions, addons.OPERATOR_PART])
        addons.wait(cluster.client, addons.OPERATOR, step)
        step.result("replicated databases are looked after")
    record.write(cluster.name, record.read(cluster.name) | {_SEEN: addons.digest()})
