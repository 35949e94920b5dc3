"""Objects of both stacks, changed by a stranger in every way that the server takes: found and repaired.

Prod is changed in the fields that no object of the same kind has in dev: the others are proved there.
"""

from collections.abc import Iterator, Sequence

import pytest

from tools.cli.drift import detect, repair
from tools.cli.drift.report import Report
from tools.cli.drift.wanted import Key, Manifest, Wanted

from ...harness.figures import Figures
from .. import server as servers
from ..server import Server
from . import mutations, recorded
from .mutations import Mutation
from .stranger import Stranger, bare

# They would refuse many of the changes; tests/policies shows that they do.
_ADMISSION = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
# Their deletion needs controllers, which this server lacks.
_ENDED_BY_OTHERS = ("Namespace", "PersistentVolumeClaim")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Yield a server without controllers: what differs was changed by a test."""
    with servers.alone() as made:
        yield made


@pytest.fixture(scope="module")
def dev() -> tuple[Wanted, ...]:
    """Return dev, without its admission policies."""
    return _without_admission("dev")


@pytest.fixture(scope="module", params=["dev", "prod"])
def stack(request: pytest.FixtureRequest, server: Server, dev: tuple[Wanted, ...]) -> tuple[Wanted, ...]:
    """Return a deployed stack, without its admission policies."""
    wanted = dev if request.param == "dev" else _without_admission(request.param)
    recorded.deployed(server, wanted)
    return wanted


@pytest.fixture
def stranger(server: Server) -> Stranger:
    """Return the user that changes the object."""
    return Stranger.of(server)


@pytest.mark.parametrize("what", mutations.KINDS)
def test_whatever_the_server_takes_from_a_stranger_is_found_by_its_field_and_put_back(
    server: Server,
    dev: tuple[Wanted, ...],
    stack: tuple[Wanted, ...],
    stranger: Stranger,
    figures: Figures,
    what: str,
) -> None:
    proved = set() if stack is dev else {_field(each.manifest, one) for each, one in _all(dev, what)}
    chosen = [(each, one) for each, one in _all(stack, what) if _field(each.manifest, one) not in proved]
    before = {each.key: _live(stranger, each.manifest) for each in stack}
    assert _look(server, stack)[0].clean
    made = [(each.key, one) for each, one in chosen if stranger.change(each.manifest, one)]

    report, repairs = _look(server, stack)
    missed = [(key, one.place) for key, one in made if not _names(report, key, one)]
    failed = repair.apply(repairs, recorded.objects(server))
    again, _ = _look(server, stack)
    differing = [each.key for each in stack if _live(stranger, each.manifest) != before[each.key]]

    _count(figures, what, len(made), len(missed), len(differing))
    assert len(made) > len({each.key for each, _ in chosen}) // 2
    assert missed == []
    assert failed == []
    assert differing == []
    assert again.clean, again


def test_whatever_a_stranger_deletes_is_found_and_comes_back(
    server: Server, stack: tuple[Wanted, ...], stranger: Stranger, figures: Figures
) -> None:
    made = [each for each in stack if not each.is_patch and each.manifest["kind"] not in _ENDED_BY_OTHERS]
    before = {each.key: _given_again(_live(stranger, each.manifest)) for each in made}
    deleted = [each for each in made if stranger.delete(each.manifest)]

    report, repairs = _look(server, stack)
    found = {(each.kind, each.name) for each in report.findings if each.deleted}
    failed = repair.apply(repairs, recorded.objects(server))
    again, _ = _look(server, stack)
    differing = [
        each.key for each in deleted if _given_again(_live(stranger, each.manifest)) != before[each.key]
    ]

    missed = [each for each in deleted if (each.key[1], each.key[3]) not in found]
    _count(figures, "deleted", len(deleted), len(missed), len(differing))
    assert len(deleted) > len(made) // 2
    assert missed == []
    assert failed == []
    assert differing == []
    assert again.clean, again


def _look(server: Server, stack: Sequence[Wanted]) -> tuple[Report, list[detect.Repair]]:
    return detect.look("test", stack, recorded.objects(server))


def _without_admission(stack: str) -> tuple[Wanted, ...]:
    return tuple(each for each in recorded.of(stack) if each.manifest["kind"] not in _ADMISSION)


def _all(stack: Sequence[Wanted], what: str) -> Iterator[tuple[Wanted, Mutation]]:
    """Yield every mutation of this sort, with its object."""
    for each in stack:
        yield from ((each, mutation) for mutation in mutations.of(each.manifest, what))


def _field(manifest: Manifest, mutation: Mutation) -> tuple[str, str]:
    """Return the kind and the field."""
    return manifest["kind"], mutation.place


def _names(report: Report, key: Key, mutation: Mutation) -> bool:
    """Return True if the report names the object and the field, or a part or the whole of it."""
    return any(
        mutations.is_told(mutation, (change.field for change in finding.changes))
        for finding in report.findings
        if (finding.kind, finding.namespace, finding.name) == key[1:]
    )


def _live(stranger: Stranger, manifest: Manifest) -> Manifest | None:
    found = stranger.get(manifest)
    return found and bare(found)


def _given_again(thing: Manifest | None) -> Manifest:
    """Return the object without what a recreated one is given: addresses, and a Job's uid."""
    assert thing is not None
    spec = thing.get("spec", {})
    if thing["kind"] == "Service":
        del spec["clusterIP"], spec["clusterIPs"]
    if thing["kind"] == "Job":
        del spec["selector"]
        labels = spec["template"]["metadata"]["labels"]
        spec["template"]["metadata"]["labels"] = {
            name: value for name, value in labels.items() if "controller-uid" not in name
        }
    return thing


def _count(figures: Figures, what: str, made: int, missed: int, differing: int) -> None:
    figures.text(
        f"drift {what}: cases, found, objects not put right", f"{made}, {made - missed}, {differing}"
    )
