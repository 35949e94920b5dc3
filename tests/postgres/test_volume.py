"""A volume after a restore or a kill: the server starts on its own data, or names the reason before."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Make
from .server import Server

Change = Callable[[Server], object]
_EMPTY = ("pg_notify", "pg_tblspc", "pg_replslot", "pg_twophase", "pg_snapshots", "pg_commit_ts", "pg_stat")
_LOOKED_AT = ("PG_VERSION", "pg_control", "1259")
_GROUP = 12345

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to other users")


@pytest.fixture(scope="module")
def whole(make: Make, tmp_path_factory: pytest.TempPathFactory) -> tuple[Server, Path]:
    """Return a server that has been served once, and a copy of its volume as it was left."""
    server = make()
    server.prepare()
    with (server.data / "postgresql.conf").open("a") as settings:
        settings.write("fsync = off\nshared_buffers = 16MB\n")
    kept = tmp_path_factory.mktemp("volume") / "kept"
    _copy(server.folder / "volume", kept)
    return server, kept


@pytest.fixture
def server(whole: tuple[Server, Path]) -> Server:
    """Return the server with its volume as it was left."""
    made, kept = whole
    made.stop()
    shutil.rmtree(made.folder / "volume")
    _copy(kept, made.folder / "volume")
    return made


@pytest.fixture
def bare(whole: tuple[Server, Path]) -> Server:
    """Return the server with only the files that PostgreSQL reads before it starts."""
    made, kept = whole
    made.stop()
    shutil.rmtree(made.folder / "volume")
    for each in (kept, *kept.rglob("*")):
        there = made.folder / "volume" / each.relative_to(kept)
        if each.is_dir():
            there.mkdir()
        elif each.name in _LOOKED_AT or each.suffix == ".conf":
            shutil.copy(each, there)
        else:
            continue
        there.chmod(each.stat().st_mode)
        os.chown(there, made.user.pw_uid, made.user.pw_gid)
    return made


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "--archive", str(source), str(target)], check=True)  # noqa: S603, S607 - coreutils


def _identity(data: Path) -> bytes:
    """Return the system identifier that initdb gave a data directory: the first bytes of pg_control."""
    return (data / "global" / "pg_control").read_bytes()[:8]


def _folder(name: str, *files: str, owned: bool = True) -> Change:
    """Make a folder on the volume, with text in its files."""

    def change(server: Server) -> None:
        volume = server.folder / "volume"
        before = {*volume.rglob("*")}
        (volume / name).mkdir(parents=True)
        for file in files:
            (volume / name / file).parent.mkdir(exist_ok=True)
            (volume / name / file).write_text("15\n")
        (volume / name).chmod(0o700)
        for each in {*volume.rglob("*")} - before if owned else ():
            os.chown(each, server.user.pw_uid, server.user.pw_gid)

    return change


def _modes(folders: int, files: int) -> Change:
    """Give everything on the volume the modes of a tool."""

    def change(server: Server) -> None:
        volume = server.folder / "volume"
        for each in (volume, *volume.rglob("*")):
            each.chmod(folders if each.is_dir() else files)

    return change


def _fs_group(server: Server) -> None:
    """Change a volume as the kubelet does for fsGroup: all for the group, folders with setgid."""
    volume = server.folder / "volume"
    for each in (volume, *volume.rglob("*")):
        os.chown(each, -1, _GROUP if os.geteuid() == 0 else -1)
        each.chmod(each.stat().st_mode | (0o2770 if each.is_dir() else 0o660))


def _without(*names: str) -> Change:
    def change(server: Server) -> None:
        for name in names:
            path = server.data / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    return change


def _text(name: str, text: str) -> Change:
    return lambda server: (server.data / name).write_text(text)


def _lock(text: str) -> Change:
    def change(server: Server) -> None:
        path = server.data / "postmaster.pid"
        path.write_text(text)
        path.chmod(0o600)
        os.chown(path, server.user.pw_uid, server.user.pw_gid)

    return change


def _owned(name: str, mode: int) -> Change:
    """Give a file or folder of the data directory to root, with this mode."""

    def change(server: Server) -> None:
        os.chown(server.data / name, 0, 0)
        (server.data / name).chmod(mode)

    return change


def _roots_for_its_group(server: Server) -> None:
    table = server.data / "base" / "1" / "1259"
    os.chown(table, 0, server.user.pw_gid)
    table.chmod(0o660)


def _root_of_roots(server: Server) -> None:
    os.chown(server.data.parent, 0, 0)


def _linked(server: Server) -> None:
    """Make the data directory a link to one elsewhere on the volume."""
    server.data.rename(server.folder / "volume" / "main")
    server.data.symlink_to("main")


def _in_place_of_data(change: Change) -> Change:
    def changed(server: Server) -> None:
        shutil.rmtree(server.data)
        change(server)

    return changed


_ITS_OWN = {
    "0750": lambda server: server.data.chmod(0o750),
    "0770": lambda server: server.data.chmod(0o770),
    "0777": lambda server: server.data.chmod(0o777),
    "2770": lambda server: server.data.chmod(0o2770),
    "2755": lambda server: server.data.chmod(0o2755),
    "1700": lambda server: server.data.chmod(0o1700),
    "0000": lambda server: server.data.chmod(0),
    "a volume's root that its user closed": lambda server: server.data.parent.chmod(0o400),
    "all that the kubelet does for fsGroup": _fs_group,
    "modes of a share": _modes(0o777, 0o777),
    "modes of a read-only copy": _modes(0o500, 0o400),
    "lost+found": _folder("lost+found", owned=False),
    "an extra folder": _folder("restored", "README"),
    "an extra folder in the data directory": _folder("pgdata/lost+found", owned=False),
    "another data directory": _folder("pgdata.old", "PG_VERSION"),
    "an initdb that was cut off": _folder("initdb.unfinished", "PG_VERSION"),
    "a copy without empty folders": _without(*_EMPTY, "pg_logical/snapshots", "pg_logical/mappings"),
    "no postgresql.conf": _without("postgresql.conf", "postgresql.auto.conf", "pg_ident.conf"),
    "an empty lock file": _lock(""),
    "a lock file cut off": _lock("\0\0\0\0"),
    "a lock file of an unclean end": _lock("1\n/var/lib/postgresql/data/pgdata\n1700000000\n"),
    "a link": _linked,
}
_AS_ROOT = {
    "a lock file of root's": _text("postmaster.pid", "1\n"),
    "another group": lambda server: os.chown(server.data, -1, _GROUP),
    "a file of root's for its group": _roots_for_its_group,
    "a configuration of root's that may be read": _owned("postgresql.conf", 0o644),
    "a lost+found of root's": _folder("lost+found", owned=False),
    "a root of root's": _root_of_roots,
}


@pytest.mark.parametrize(
    "change",
    [
        *(pytest.param(change, id=name) for name, change in _ITS_OWN.items()),
        *(pytest.param(change, id=name, marks=needs_root) for name, change in _AS_ROOT.items()),
    ],
)
def test_postgresql_takes_its_own_data_directory(bare: Server, change: Change) -> None:
    before = _identity(bare.data)
    change(bare)
    done = bare.look()
    assert (done.returncode, done.stdout) == (0, "on\n"), done.stderr
    assert _identity(bare.data) == before


@pytest.mark.parametrize(
    "changes",
    [
        ("modes of a read-only copy", "a copy without empty folders", "no postgresql.conf"),
        ("all that the kubelet does for fsGroup", "an empty lock file", "lost+found", "an extra folder"),
    ],
)
def test_the_server_starts_on_its_own_data(server: Server, changes: tuple[str, ...]) -> None:
    before = _identity(server.data)
    for each in changes:
        _ITS_OWN[each](server)
    told = server.prepare().stdout
    assert "data directory initialised" not in told
    assert "administrator cook_admin is ready" in told
    assert _identity(server.data) == before


_UNUSABLE = {
    "another major version": (
        _text("PG_VERSION", "9.6\n"),
        "is PostgreSQL 9.6's, and the image is PostgreSQL",
        "feastflow:database.image to an image of PostgreSQL 9.6",
    ),
    "the next major version": (_text("PG_VERSION", "99\n"), "is PostgreSQL 99's", "PostgreSQL 99"),
    "no PG_VERSION": (_without("PG_VERSION"), "PG_VERSION is missing or empty", "restore"),
    "an empty PG_VERSION": (_text("PG_VERSION", ""), "PG_VERSION is missing or empty", "restore"),
    "an initdb that another tool began": (
        _without("global/pg_control"),
        "global/pg_control is missing or empty",
        "restore",
    ),
    "no log": (_without("pg_wal"), "pg_wal is missing", "restore"),
    "no tables": (_without("base"), "base is missing", "restore"),
    "only an extra folder": (
        _in_place_of_data(_folder("pgdata", "lost+found/x")),
        "PG_VERSION is missing",
        "if there is nothing to keep",
    ),
    "a file": (
        _in_place_of_data(lambda server: server.data.write_text("")),
        "is not a directory",
        "restore",
    ),
    "a link to nothing": (
        _in_place_of_data(lambda server: server.data.symlink_to("nothing")),
        "is not a directory",
        "restore",
    ),
    "a standby's copy": (_text("standby.signal", ""), "holds standby.signal", "delete standby.signal"),
    "the data in another folder": (
        lambda server: server.data.rename(server.data.with_name("data")),
        "there is no data directory",
        "move it to",
    ),
    "the data two folders down": (
        lambda server: (
            server.data.with_name("15").mkdir(),
            server.data.rename(server.data.with_name("15") / "main"),
        ),
        "but one in",
        "move it to",
    ),
    "the data at the root": (
        lambda server: [each.rename(server.data.parent / each.name) for each in server.data.iterdir()],
        "but one in",
        "move it to",
    ),
}


def _refused(server: Server, change: Change, found: str, fix: str) -> None:
    change(server)
    volume = server.folder / "volume"
    before = {path: path.lstat().st_size for path in volume.rglob("*") if path.is_file()}
    done = server.prepare(check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    error, _, rest = done.stderr.partition("\n  matters: ")
    assert error.startswith("error:     ")
    assert found in error
    assert fix in rest.partition("\n  do this: ")[2]
    # The kubelet keeps so many bytes of a container's log as its termination message.
    assert len(done.stderr) < 2048
    assert {path: path.lstat().st_size for path in volume.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(("change", "found", "fix"), _UNUSABLE.values(), ids=_UNUSABLE)
def test_what_the_server_cannot_start_on_is_refused_in_words_and_left_as_it_is(
    bare: Server, change: Change, found: str, fix: str
) -> None:
    _refused(bare, change, found, fix)


@needs_root
@pytest.mark.parametrize(
    ("change", "found", "fix"),
    [
        (_owned(".", 0o700), "is another user's (mode drwx------, user 0, group 0)", "database.uid"),
        (_owned(".", 0o777), "is another user's (mode drwxrwxrwx, user 0, group 0)", "database.uid"),
        (_owned("base", 0o700), "cannot use", "chown -R"),
        (_owned("global/pg_control", 0o600), "pg_control (mode -rw-------, user 0", "chown -R"),
        (_owned("postgresql.auto.conf", 0o600), "postgresql.auto.conf (mode -rw-------", "chown -R"),
        (_owned("base/1/1259", 0o600), "base/1/1259 (mode", "chown -R"),
        (_owned("..", 0o700), "is closed to user", "fsGroup"),
        (
            _in_place_of_data(_root_of_roots),
            "cannot be written by user",
            "fsGroup",
        ),
    ],
)
def test_files_of_another_user_are_refused_in_words(
    bare: Server, change: Change, found: str, fix: str
) -> None:
    _refused(bare, change, found, fix)


def test_a_volume_that_keeps_no_modes_is_refused_in_words(bare: Server) -> None:
    programs = bare.folder / "without-modes"
    programs.mkdir()
    (programs / "chmod").write_text("#!/bin/sh\n")
    (programs / "chmod").chmod(0o755)
    bare.data.chmod(0o777)
    done = bare.prepare(check=False, PATH=f"{programs}:{bare.environment()['PATH']}")
    assert done.returncode == 1
    assert "the volume does not keep modes" in done.stderr
    assert "feastflow:database.storageClass" in done.stderr


@pytest.mark.parametrize(
    "changes",
    [
        (_folder("pgdata", owned=False), _folder("lost+found", owned=False)),
        (_folder("pgdata/initdb.unfinished", "PG_VERSION"), _folder("initdb.unfinished", "base/1")),
    ],
    ids=["an empty data directory of root's", "an initdb moved into it, and another that was cut off"],
)
def test_a_volume_without_data_is_given_a_new_data_directory(
    bare: Server, changes: tuple[Change, ...]
) -> None:
    before = _identity(bare.data)
    shutil.rmtree(bare.data)
    for change in changes:
        change(bare)
    assert "data directory initialised" in bare.prepare().stdout
    assert _identity(bare.data) != before


def test_a_server_whose_volume_the_kubelet_changed_while_it_ran_is_started_again(server: Server) -> None:
    """A container that ends is started again without the init container."""
    server.prepare()
    server.start()
    _fs_group(server)
    server.stop()
    server.start()
    assert server.superuser("SELECT 1") == "1"
