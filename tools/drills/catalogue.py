"""Every drill, in the order in which all of them are run: what takes longest to repair comes last."""

from collections.abc import Mapping

from tools.drills import database, judged, nodes, platform, pods, releases
from tools.drills.drill import Drill

DRILLS: Mapping[str, type[Drill]] = {
    drill.name: drill
    for drill in (
        *pods.DRILLS,
        *nodes.DRILLS,
        *database.DRILLS,
        *platform.DRILLS,
        *releases.DRILLS,
        *judged.DRILLS,
    )
}
