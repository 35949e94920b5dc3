"""Kubernetes' OpenAPI documents: fetched once, held to their hash, and nothing else of the module kept."""

import hashlib

import pytest

from tools.toolchain import cache, openapi
from tools.toolchain.errors import UserError

from .fakes import Machine

_TEXT = '{"definitions": {}}'
# `go mod download -json` into a module cache of its own.
_GO = """
for last; do :; done
folder="$GOMODCACHE/$last"
mkdir -p "$folder/api/openapi-spec"
echo large > "$folder/rest"
show document > "$folder/api/openapi-spec/swagger.json"
printf '{"Dir": "%s"}' "$folder"
"""


@pytest.fixture(autouse=True)
def go(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a Go on PATH that downloads one document, which is pinned."""
    machine.file("document", f"{_TEXT}\n")
    machine.program("go", _GO)
    digest = hashlib.sha256(f"{_TEXT}\n".encode()).hexdigest()
    monkeypatch.setattr(openapi, "DOCUMENTS", {"1.33": ("1.33.9", digest)})


def test_a_document_is_fetched_once_and_nothing_else_is_kept(machine: Machine) -> None:
    for _ in range(2):
        assert openapi.document("1.33") == {"definitions": {}}

    (entry,) = (cache.home() / openapi.KIND).iterdir()
    assert entry.name == openapi.name("1.33")
    assert [path.name for path in entry.iterdir() if not path.name.startswith(".")] == ["swagger.json"]
    assert list((cache.home() / "drafts").iterdir()) == []
    assert machine.calls("go") == ["mod download -json k8s.io/kubernetes@v1.33.9"]


def test_a_document_that_is_not_the_pinned_one_is_refused_and_not_kept(machine: Machine) -> None:
    machine.file("document", "{}")

    with pytest.raises(UserError, match=r"1\.33\.9 has the SHA-256 [0-9a-f]{64}(.|\n)*do not trust"):
        openapi.document("1.33")
    assert cache.find(openapi.KIND, openapi.name("1.33")) is None


def test_a_document_that_cannot_be_fetched_is_refused_with_what_to_look_at(machine: Machine) -> None:
    machine.program("go", "echo 'dial tcp: no route' >&2; exit 1")

    with pytest.raises(UserError, match=r"could not be fetched(.|\n)*no route(.|\n)*GOPROXY"):
        openapi.document("1.33")


def test_a_machine_without_go_is_told_so(machine: Machine) -> None:
    (machine.bin / "go").unlink()

    with pytest.raises(UserError, match=r"could not be fetched(.|\n)*check that go is on PATH"):
        openapi.document("1.33")
