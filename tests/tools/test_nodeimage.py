"""The base of every image built here: built once, and nothing stays mounted when the build is cut off."""

import pytest

from tools.cluster import nodeimage
from tools.cluster.engine import Engine
from tools.toolchain.errors import UserError

from .fakes import Heard, Machine

_OWN = Engine(command="podman", own=True, why="")
_PODMAN = 'case "$1" in image) grep -qx "$3" "$ROOT/built" ;; import) echo "$3" >> "$ROOT/built" ;; esac'


@pytest.fixture(autouse=True)
def podman(machine: Machine) -> None:
    """Use a Podman without images."""
    machine.file("built")
    machine.program("podman", _PODMAN)


def test_debians_system_is_made_once_and_its_mounts_end_with_it(machine: Machine, step: Heard) -> None:
    machine.program("unshare")
    for _ in range(2):
        assert nodeimage.debian(_OWN, step) == nodeimage.debian_name()

    (call,) = machine.calls("unshare")
    assert call.startswith("--mount mmdebstrap --variant=minbase ")


def test_a_system_that_cannot_be_made_is_refused_with_what_was_said(machine: Machine, step: Heard) -> None:
    machine.program("unshare", 'echo "E: unable to fetch" >&2; exit 1')

    with pytest.raises(UserError) as caught:
        nodeimage.debian(_OWN, step)

    assert caught.value.found == "mmdebstrap could not make a Debian system\nE: unable to fetch"
    assert machine.called("podman", "import") == []
