"""Programs from pinned modules: one message for a failed build, a cache key of all that it depends on."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tools.toolchain import cache, golang
from tools.toolchain.errors import UserError
from tools.toolchain.golang import Build

from .fakes import Heard, Machine, with_go, writes

BUILD = Build(
    module="tools",
    programs={"example.org/tool/v3/cmd/hammer": "hammer", "./nail": "nail", "example.org/saw/v2": "hacksaw"},
    variables={"example.org/version": "v1"},
    embeds={"nail/schema.json": "example.org/nail//cmd/schema.json"},
    gib=3,
)


@pytest.fixture(autouse=True)
def module(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a module that pins three programs, on a machine that has room enough."""
    machine.file("go/tools/go.mod", "module tools\n")
    machine.file("go/tools/nail/main.go", "package main\n")
    machine.file("modules/example.org/nail/cmd/schema.json", "{}")
    monkeypatch.setattr(golang, "MODULES", machine.root / "go")
    return machine.file("go/tools/go.sum", "example.org/tool/v3 v3.1.0 h1:one\n").parent


def test_a_machine_without_go_is_told_to_install_it(step: Heard) -> None:
    with pytest.raises(UserError, match=r"there is no `go` on PATH(.|\n)*install Go 1\.26\.6 or newer"):
        golang.binaries(BUILD, step)


@pytest.mark.parametrize(
    ("version", "shown"),
    [
        *((old, f"is {old}\n") for old in ("go1.23.12", "go1.24.13", "go1.24", "go1.9.9", "devel")),
        ("", "of an unknown version"),
    ],
)
def test_a_go_that_is_too_old_or_unknown_is_refused_by_its_version(
    machine: Machine, step: Heard, version: str, shown: str
) -> None:
    with_go(machine, version)

    with pytest.raises(UserError, match=shown):
        golang.binaries(BUILD, step)
    assert machine.called("go", "build") == []


@pytest.mark.parametrize("version", ["go1.26.6", "go1.26.8", "go1.27", "go2.0"])
def test_the_oldest_go_and_every_newer_one_will_do(machine: Machine, version: str) -> None:
    with_go(machine, version)

    golang.check(BUILD)


def test_a_disk_without_room_is_refused_before_anything_is_compiled(
    machine: Machine, step: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_go(machine)
    monkeypatch.setattr(golang, "_free_gib", lambda _: 2.9)

    with pytest.raises(UserError, match=r"2\.9 GiB are free where(.|\n)*up to 3 GiB(.|\n)*XDG_CACHE_HOME"):
        golang.binaries(BUILD, step)
    assert machine.called("go", "build") == []


def test_a_build_asks_for_the_room_that_it_needs_itself_and_several_for_what_they_need_together(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_go(machine)
    large = replace(BUILD, programs={"./nail": "nail"}, gib=9)
    monkeypatch.setattr(golang, "_free_gib", lambda _: 10.0)
    golang.check(BUILD)
    golang.check(large)

    with pytest.raises(UserError, match="up to 12 GiB"):
        golang.check(BUILD, large)
    cache.entry("bin", golang.digest(large), writes())
    golang.check(BUILD, large)


def test_what_is_compiled_is_kept_in_a_cache_of_the_projects_own_unless_the_user_names_one(
    machine: Machine, step: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_go(machine)
    golang.binaries(BUILD, step)
    assert (machine.root / "go.cache").read_text() == f"{cache.home()}/go-build\n"

    monkeypatch.setenv("GOCACHE", "/theirs")
    golang.binaries(replace(BUILD, programs={"./nail": "nail"}), step)
    assert (machine.root / "go.cache").read_text() == "/theirs\n"


@pytest.mark.parametrize(
    ("error", "found", "fix"),
    [
        (
            "verifying example.org/tool@v3.1.0: checksum mismatch\n\tdownloaded: h1:two\n\tgo.sum: h1:one",
            "is not what go.sum says",
            "go clean -modcache",
        ),
        (
            "SECURITY ERROR\nThis download does NOT match",
            "is not what go.sum says",
            "do not trust the network",
        ),
        ("link: write /tmp/x: no space left on device", "no space left", "free some room"),
        ('Get "https://proxy.golang.org/x": dial tcp 1.2.3.4:443: i/o timeout', "i/o timeout", "GOPROXY"),
        ("dial tcp 1.2.3.4:443: connect: network is unreachable", "unreachable", "GOPROXY"),
        ("dial tcp: lookup proxy.golang.org: no such host", "no such host", "check the network"),
        ("read tcp 1.2.3.4:443: connection reset by peer", "connection reset", "check the network"),
        ("./main.go:3: undefined: x", "tools: ./main.go:3: undefined: x", "see the whole log"),
    ],
)
def test_a_build_that_fails_says_what_to_do_and_leaves_nothing(
    machine: Machine, step: Heard, error: str, found: str, fix: str
) -> None:
    with_go(machine)
    machine.file("go.error", error)

    with pytest.raises(UserError) as caught:
        golang.binaries(BUILD, step)

    assert found in caught.value.found
    assert fix in caught.value.fix
    assert cache.find("bin", golang.digest(BUILD)) is None


def test_a_module_that_cannot_be_fetched_is_told_like_a_build_that_fails(machine: Machine) -> None:
    machine.program("go", 'echo "example.org/x: dial tcp: i/o timeout" >&2; exit 1')

    with pytest.raises(UserError, match="a module could not be fetched"):
        golang.source("tools", "example.org/x")


def test_the_programs_of_a_build_have_the_names_it_gives_them(machine: Machine, step: Heard) -> None:
    with_go(machine)

    folder = golang.binaries(BUILD, step)

    assert sorted(path.name for path in folder.glob("[!.]*")) == ["hacksaw", "hammer", "nail"]
    assert (folder / "hacksaw").read_text() == "compiled example.org/saw/v2\n"
    assert not (folder / ".module").exists()


def test_a_build_says_how_far_it_is(machine: Machine, step: Heard) -> None:
    with_go(machine)
    golang.binaries(BUILD, step)

    assert step.notes[-1] == "3 packages compiled, 3 in all with those already in Go's cache"


def test_a_build_trusts_go_sum_alone_and_is_told_its_versions(machine: Machine, step: Heard) -> None:
    with_go(machine)
    golang.binaries(BUILD, step)

    assert (machine.root / "go.flags").read_text() == "0 -mod=readonly -buildvcs=false\n"
    assert "-X example.org/version=v1" in machine.called("go", "build")[0]


def test_what_is_compiled_is_not_compiled_again_and_asks_go_nothing(machine: Machine, step: Heard) -> None:
    with_go(machine)
    golang.binaries(BUILD, step)
    before = machine.calls("go")
    golang.binaries(BUILD, step)

    assert machine.calls("go") == before


def test_a_trimmed_dependency_is_upstreams_but_for_the_files_that_are_replaced(
    machine: Machine, module: Path, step: Heard
) -> None:
    with_go(machine)
    for name in ("go.mod", "kept.go", "all/registry.go"):
        machine.file(f"modules/example.org/plane/{name}", f"upstream's {name}\n").chmod(0o444)
    for name in ("go.mod", "all/registry.go", "upstream/go.mod"):
        machine.file(f"go/tools/plane/{name}", f"our {name}\n")
    machine.file("go.link", 'cat plane/go.mod plane/kept.go plane/all/registry.go > "$ROOT/compiled"')
    golang.binaries(replace(BUILD, trimmed={"plane": "example.org/plane"}), step)

    assert (machine.root / "compiled").read_text() == "our go.mod\nupstream's kept.go\nour all/registry.go\n"
    assert not (module / "plane" / "kept.go").exists()


def test_the_source_of_a_trimmed_dependency_is_upstreams(machine: Machine) -> None:
    with_go(machine)
    machine.file("go/tools/plane/upstream/go.mod", "module up\n\nrequire example.org/plane v1.2.3\n")
    machine.program("go", 'case "$1" in list) echo "$PWD" ;; esac')

    assert golang.source("tools", "example.org/plane") == machine.root / "go/tools/plane/upstream"
    assert golang.source("tools", "example.org/other") == machine.root / "go/tools"


def test_a_build_that_failed_is_compiled_when_the_reason_is_gone(machine: Machine, step: Heard) -> None:
    with_go(machine)
    error = machine.file("go.error", "no such host")
    with pytest.raises(UserError):
        golang.binaries(BUILD, step)
    error.unlink()

    assert (golang.binaries(BUILD, step) / "nail").exists()


def test_a_damaged_binary_is_compiled_again(machine: Machine, step: Heard) -> None:
    with_go(machine)
    (golang.binaries(BUILD, step) / "nail").write_text("")

    assert (golang.binaries(BUILD, step) / "nail").read_text() == "compiled ./nail\n"


def test_the_digest_follows_everything_that_shapes_a_binary(
    module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = [golang.digest(BUILD)]
    for name in ("go.sum", "go.mod", "nail/main.go"):
        path = module / name
        path.write_text(path.read_text() + "// changed\n")
        digests.append(golang.digest(BUILD))
    digests += [
        golang.digest(replace(BUILD, variables={"example.org/version": "v2"})),
        golang.digest(replace(BUILD, programs={"./nail": "nail"})),
        golang.digest(replace(BUILD, embeds={})),
        golang.digest(replace(BUILD, trimmed={"plane": "example.org/plane"})),
    ]
    monkeypatch.setattr(golang, "_ENVIRONMENT", {**golang._ENVIRONMENT, "CGO_ENABLED": "1"})
    digests.append(golang.digest(BUILD))

    assert len(set(digests)) == 9


def test_what_is_compiled_is_not_begun_ahead(machine: Machine) -> None:
    machine.program("go")
    cache.entry("bin", golang.digest(BUILD), writes())
    before = set(threading.enumerate())
    golang.ahead(BUILD)

    assert set(threading.enumerate()) == before
    assert machine.calls("go") == []


def test_a_build_that_was_begun_ahead_is_waited_for_and_not_begun_again(
    machine: Machine, step: Heard
) -> None:
    with_go(machine)
    golang.ahead(BUILD)
    golang.ahead(BUILD)

    assert (golang.binaries(BUILD, step) / "nail").exists()
    assert len(machine.called("go", "build")) == 1


def test_builds_are_begun_in_their_order_each_when_the_one_before_only_links(
    machine: Machine, step: Heard
) -> None:
    with_go(machine)
    # The first build's last program is announced, and its end is not: it waits for the second build to begin.
    first, second = replace(BUILD, programs={"./nail": "nail"}), replace(BUILD, programs={"./saw": "saw"})
    machine.file(
        "go.link", 'case "$*" in *saw*) : > "$ROOT/begun" ;; esac\nwhile [ ! -e "$ROOT/begun" ]; do :; done'
    )
    golang.ahead(first, second)

    assert (golang.binaries(second, step) / "saw").exists()
    assert (golang.binaries(first, step) / "nail").exists()
    assert [call.rsplit(maxsplit=1)[1] for call in machine.called("go", "build")] == ["./nail", "./saw"]


def test_a_build_that_failed_ahead_is_told_where_it_is_needed(machine: Machine, step: Heard) -> None:
    with_go(machine)
    machine.file("go.error", "dial tcp: i/o timeout")
    golang.ahead(BUILD)

    with pytest.raises(UserError, match="a module could not be fetched"):
        golang.binaries(BUILD, step)
