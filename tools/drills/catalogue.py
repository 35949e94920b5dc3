"""Every drill, in the order in which all of them are run: what takes longest to repair comes last."""

from collections.abc import Mapping

from tools.drills import (
    database,
    judged,
    lost,
    mistake,
    nodes,
    observers,
    platform,
    pods,
    releases,
    scaling,
    store,
)
from tools.drills.drill import Drill

DRILLS: Mapping[str, type[Drill]] = {
    drill.name: drill
    for drill in (
        *pods.DRILLS,
        *nodes.DRILLS,
        *database.DRILLS,
        *platform.DRILLS,
        *releases.DRILLS,
        *scaling.DRILLS,
        *observers.DRILLS,
        *store.DRILLS,
        *mistake.DRILLS,
        *judged.DRILLS,
        *lost.DRILLS,
    )
}
