"""The order of lanes: as given, two at a time, and by itself what takes the whole machine."""

from collections.abc import Collection, Sequence

# A lane keeps a core busy, and the machine that this is made for has two.
SLOTS = 2


def beginning(waiting: Sequence[str], running: Collection[str], alone: Collection[str]) -> int:
    """Count the lanes, from the front of those that wait, that may begin now.

    No lane overtakes another: what is quick to tell comes first, and what is long begins early.
    """
    now = set(running)
    for count, lane in enumerate(waiting):
        is_full = len(now) >= SLOTS or bool(now & set(alone))
        if is_full or (lane in alone and now):
            return count
        now.add(lane)
    return len(waiting)
