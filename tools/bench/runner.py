"""One contender's run: installed into an empty namespace, asked again, changed, and deleted."""

import os
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path

from tools.bench import memory, profile
from tools.bench import place as places
from tools.bench.contender import Contender
from tools.bench.figures import Course
from tools.bench.memory import Cost
from tools.bench.place import Place
from tools.bench.profile import Profile
from tools.bench.pulumi import STACK, Program

FIRST, DONE, NOTHING, PREVIEW, SERVES, CHANGED = (
    "first-up",
    "tool-done",
    "no-op",
    "preview",
    "change",
    "rollout",
)
BENCHES = (FIRST, NOTHING, PREVIEW, SERVES)


def course(
    contender: Contender, place: Place, folder: Path, benches: Collection[str], note: Callable[[str], None]
) -> Course:
    """Measure it; whatever became of it, nothing of it is left on the cluster."""
    seconds: dict[str, float] = {}
    contender.prepare(place, folder)
    try:
        note("installing")
        began = time.monotonic()
        contender.install(place, folder)
        done = time.monotonic() - began
        place.wait(place.complete)
        seconds[FIRST] = time.monotonic() - began
        seconds[DONE] = done
        if set(benches) - {FIRST}:
            place.wait(place.full)
        if NOTHING in benches:
            note("nothing to change")
            seconds[NOTHING] = _timed(lambda: contender.again(place, folder))
        if PREVIEW in benches:
            note("preview")
            seconds[PREVIEW] = _timed(lambda: contender.preview(place, folder))
        if SERVES in benches:
            note("one value is changed")
            seconds |= _changed(contender, place, folder)
    finally:
        note("taking it away")
        places.remove(place.cluster, [place.namespace])
    return Course(contender=contender.name, seconds=seconds)


def cost(program: Program, place: Place, folder: Path) -> Cost:
    """Return what a first up takes in memory; its time counts nowhere, since it is watched all the while."""
    program.prepare(place, folder)
    room = program.room(place, folder)
    try:
        command = room.driver.command("up", "--yes", *program.flags, stack=STACK)
        return memory.measured(command, {**os.environ, **room.driver.variables()})
    finally:
        places.remove(place.cluster, [place.namespace])


def profiled(program: Program, place: Place, folder: Path) -> Profile:
    """Return where the time of a first up goes."""
    try:
        return profile.profile(program, place, folder)
    finally:
        places.remove(place.cluster, [place.namespace])


def _changed(contender: Contender, place: Place, folder: Path) -> dict[str, float]:
    """Return seconds until the first new pod takes requests, and until only new ones are left."""
    before = place.templates()
    problems: list[Exception] = []

    def change() -> None:
        try:
            contender.change(place, folder)
        except Exception as problem:  # noqa: BLE001 - raised again below, in the thread that is waited for
            problems.append(problem)

    tool = threading.Thread(target=change)
    began = time.monotonic()
    tool.start()
    try:
        place.wait(lambda: bool(problems) or place.serves(before))
        serves = time.monotonic() - began
    finally:
        tool.join()
    if problems:
        raise problems[0]
    place.wait(lambda: place.complete(before))
    return {SERVES: serves, CHANGED: time.monotonic() - began}


def _timed(action: Callable[[], None]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began
