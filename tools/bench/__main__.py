"""`python -m tools.bench`: the stack against other tools on one machine, as ratios; see `make bench`."""

import argparse
import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.bench import (
    figures,
    helm,
    kubectl,
    memory,
    place,
    profile,
    pulumi,
    report,
    runner,
    stacks,
    table,
    tofu,
)
from tools.bench.contender import Contender
from tools.bench.figures import Course, Row
from tools.bench.memory import Cost
from tools.bench.place import Place
from tools.bench.profile import Profile
from tools.bench.stacks import Turn
from tools.cluster import handle, lifecycle
from tools.cluster.handle import Cluster
from tools.drills import asked, opening
from tools.stacks import scope
from tools.toolchain.console import Step, run, say
from tools.toolchain.errors import UserError
from tools.toolchain.pulumi import Pulumi

_MOST_RUNS = 20
# The floor is always there.
_AGAINST = ("kubectl", "judged", "helm", "tofu")
_MEMORY, _STACKS, _PROFILE = "memory", "stacks", "profile"
BENCHES = (*runner.BENCHES, _MEMORY, _STACKS, _PROFILE)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The user's choice of contenders and runs."""

    benches: list[str]
    against: list[str]
    runs: int
    cluster: str


@dataclass(frozen=True, kw_only=True)
class Bench:
    """All runs on one cluster. `config` are the settings with which dev was deployed."""

    cluster: Cluster
    config: Mapping[str, Any]
    cli: Pulumi
    room: Path
    chosen: Chosen
    contenders: Mapping[str, Contender]
    runs: list[list[Course]] = field(default_factory=list)
    memory: list[Cost] = field(default_factory=list)
    stacks: list[dict[int, list[Turn]]] = field(default_factory=list)
    profiles: list[Profile] = field(default_factory=list)

    @property
    def profiled(self) -> Profile | None:
        """Return the last profile, if any."""
        return self.profiles[-1] if self.profiles else None

    def run(self, number: int) -> None:
        """Run everything that was chosen, once."""
        if set(self.chosen.benches) & set(runner.BENCHES):
            courses: list[Course] = []
            self.runs.append(courses)
            for name, contender in self.contenders.items():
                with self._step(name, number) as step:
                    where = self._place(name)
                    course = runner.course(
                        contender, where, self._folder(name, number), self.chosen.benches, step.note
                    )
                    courses.append(course)
                    step.result(f"{name}, run {number}: {_short(course)}")
        if _MEMORY in self.chosen.benches:
            with self._step(_MEMORY, number) as step:
                program, where = pulumi.judged(self.cli), self._place(_MEMORY)
                cost = runner.cost(program, where, self._folder(_MEMORY, number))
                self.memory.append(cost)
                step.result(f"memory, run {number}: {cost.together:.0f} MiB, all processes at one moment")
        if _STACKS in self.chosen.benches:
            with self._step(_STACKS, number) as step:
                folder = self._folder(_STACKS, number)
                self.stacks.append(stacks.costs(self.cli, folder, self.config, step.note))
                step.result(f"stacks, run {number}: {sum(stacks.NUMBERS)} previews")
        if _PROFILE in self.chosen.benches:
            with self._step(_PROFILE, number) as step:
                where, folder = self._place(_PROFILE), self._folder(_PROFILE, number)
                self.profiles.append(runner.profiled(pulumi.Program(cli=self.cli), where, folder))
                step.result(f"profile, run {number}: {self.profiles[-1].seconds:.1f} s")

    def rows(self) -> list[Row]:
        """Return what was measured by now."""
        found = figures.rows(self.runs, {name: each.what for name, each in self.contenders.items()})
        if self.memory:
            found += memory.rows(self.memory, "up as make up has it")
        if self.stacks:
            found += stacks.rows(self.stacks)
        return found

    def _step(self, name: str, number: int) -> Step:
        return Step("bench", f"{name}, run {number} of {self.chosen.runs}")

    def _place(self, name: str) -> Place:
        return place.of(self.cluster, self.config, name)

    def _folder(self, name: str, number: int) -> Path:
        folder = self.room / f"{name}-{number}"
        folder.mkdir()
        return folder


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and measure; 1 when a figure is not as wanted."""
    chosen = _read(arguments)
    with lifecycle.alone(chosen.cluster), _room() as room:
        cli = scope.tools()
        stage = opening.stage(chosen.cluster, "dev", cli)
        if not handle.answers(stage.cluster):
            raise UserError(
                f"the local cluster {chosen.cluster} does not answer",
                "everything is measured on it",
                "start it with: make up",
            )
        _tidy(stage.cluster)
        contenders = _contenders(chosen, cli)
        bench = Bench(
            cluster=stage.cluster,
            config=stage.config(),
            cli=cli,
            room=room,
            chosen=chosen,
            contenders=contenders,
        )
        try:
            for number in range(1, chosen.runs + 1):
                bench.run(number)
        finally:
            rows = bench.rows()
            if rows or bench.profiles:
                _tell(rows, bench.profiled, bench.runs)
    return 1 if any(row.reached is False for row in rows) else 0


@contextlib.contextmanager
def _room() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="feastflow-bench-") as folder:
        yield Path(folder)


def _tidy(cluster: Cluster) -> None:
    """Delete what a run that was cut off has left."""
    left = place.left(cluster)
    if left:
        with Step("tidy", f"an earlier run was cut off: deleting {', '.join(left)}"):
            place.remove(cluster, left)


def _contenders(chosen: Chosen, cli: Pulumi) -> dict[str, Contender]:
    """Return the floor, the program, and what else was chosen, by name; none where none is measured."""
    if not set(chosen.benches) & set(runner.BENCHES):
        return {}
    found: list[Contender] = [kubectl.Kubectl(), pulumi.Program(cli=cli)]
    if "judged" in chosen.against:
        found.append(pulumi.judged(cli))
    if "helm" in chosen.against:
        with Step("helm", "looking for Helm") as step:
            found.append(helm.Helm(helm.program(step)))
    if "tofu" in chosen.against:
        with Step("tofu", "looking for OpenTofu and its provider") as step:
            found.append(tofu.Tofu(*tofu.programs(step)))
    return {each.name: each for each in found}


def _tell(rows: list[Row], profiled: Profile | None, runs: list[list[Course]]) -> None:
    say()
    for line in table.lines(rows):
        say(line)
    if profiled:
        say("\nwhere the time of a first up goes (when it begins, how long it takes):\n")
        for line in profile.lines(profiled):
            say(line)
    say(f"\nfigures: {report.write(rows, runs, profiled)}")


def _short(course: Course) -> str:
    return ", ".join(f"{key} {seconds:.1f} s" for key, seconds in course.seconds.items())


def _read(arguments: list[str] | None) -> Chosen:
    given = os.environ.get
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("--bench", default=given("BENCH") or "", help="names, with commas; none: all")
    parser.add_argument("--against", default=given("AGAINST"), help="names, with commas; none: all")
    parser.add_argument("--runs", default=given("RUNS") or "3", help="runs of each (%(default)s)")
    asked.cluster(parser)
    found = parser.parse_args(arguments)
    asked.only_local(
        found,
        why="a benchmark installs the site many times over; it never touches a cluster of yours",
        instead="it runs on the local cluster",
        command="make bench",
    )
    runs = asked.number("RUNS", found.runs, _MOST_RUNS, "how often each is measured", example=3)
    return Chosen(
        benches=_names("BENCH", found.bench, BENCHES, "what is measured"),
        against=_names("AGAINST", found.against or "", _AGAINST, "what it is measured against"),
        runs=runs,
        cluster=found.cluster,
    )


def _names(variable: str, text: str, known: tuple[str, ...], meaning: str) -> list[str]:
    """Return those that are named; all, where none is."""
    names = asked.names(text)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(
            f"{variable} names {', '.join(unknown)}",
            f"it says {meaning}",
            f"take one or several of: {', '.join(known)}",
        )
    return names or list(known)


if __name__ == "__main__":
    run(main)
