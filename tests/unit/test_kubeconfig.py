"""The kubeconfig, read as kubectl reads it."""

import contextlib
import copy
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.guards.cluster import connection, kubeconfig, live
from components.guards.cluster.kubeconfig import Contexts
from components.settings.model.stack import Kubeconfig


def config(name: str, *, current: str = "", **cluster: Any) -> dict[str, Any]:
    """Return a kubeconfig with one context, cluster and user of the name."""
    return {
        "current-context": current,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}", **cluster}}],
        "users": [{"name": name, "user": {"tokenFile": "token", "client-key": "/keys/own.pem"}}],
    }


def written(folder: Path, name: str, document: object) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document))
    return path


def read(settings: Kubeconfig, **environ: str) -> Contexts:
    found = kubeconfig.read(settings, environ)
    assert found
    return found


def test_of_several_files_the_first_that_names_a_thing_wins(tmp_path: Path) -> None:
    first = written(tmp_path, "a/config", config("a"))
    second = written(tmp_path, "b/config", config("b", current="b"))
    third = written(tmp_path, "c/config", {**config("a", current="a"), "clusters": []})

    found = read(Kubeconfig(), KUBECONFIG=os.pathsep.join(map(str, (first, "/nonexistent", second, third))))

    assert found.current == "b"
    assert set(found.contexts) == {"a", "b"}
    assert found.cluster("a")["server"] == "https://a"
    assert found.user("b")["tokenFile"] == str(tmp_path / "b/token")


def test_paths_are_relative_to_their_file_and_absolute_ones_stay(tmp_path: Path) -> None:
    path = written(tmp_path, "a/config", config("a", **{"certificate-authority": "ca.pem"}))

    found = read(Kubeconfig(kubeconfig=str(path)))

    assert found.cluster("a")["certificate-authority"] == str(tmp_path / "a/ca.pem")
    assert found.user("a")["client-key"] == "/keys/own.pem"


def test_the_settings_content_goes_before_its_environment(tmp_path: Path) -> None:
    path = written(tmp_path, "config", config("theirs", current="theirs"))

    found = read(Kubeconfig(kubeconfig=yaml.safe_dump(config("own", current="own"))), KUBECONFIG=str(path))

    assert found.current == "own"


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "contexts: null\nclusters:\n"])
def test_an_empty_kubeconfig_names_no_context(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)

    found = kubeconfig.read(Kubeconfig(), {"KUBECONFIG": str(path)})

    assert found is None or not found.contexts


def test_a_whole_document_in_one_line_is_content_and_no_path() -> None:
    assert (
        read(Kubeconfig(kubeconfig=json.dumps(config("own", current="own", pad="x" * 5000)))).current == "own"
    )


_CONTEXT = "contexts: [{name: a, context: {cluster: a, user: a}}]\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"contexts: [{context: {}}]\n", "contexts[0] has no name"),
        (b"users: [{name: a}, {user: {}}]\n", "users[1] has no name"),
        (b"clusters: [{name: '', cluster: {}}]\n", "clusters[0] has no name"),
        (b"clusters: [{name: 1, cluster: {}}]\n", "clusters[0].name is a number instead of text"),
        (b"clusters: [a]\n", "clusters[0] is text instead of a name and a cluster"),
        (b"clusters: {a: {}}\n", "clusters is names and values instead of a list"),
        (
            b"clusters: [{name: a, cluster: [x]}]\n",
            "clusters[0].cluster is a list instead of names and values",
        ),
        (
            b"clusters: [{name: a, cluster: {server: 'https://[::1:6443'}}]\n",
            "clusters[0].cluster.server is no",
        ),
        (
            b"clusters: [{name: a, cluster: {server: 'https://[::g]:6443'}}]\n",
            "clusters[0].cluster.server is no",
        ),
        (
            b"clusters: [{name: a, cluster: {server: 'https://fd00::1:99999'}}]\n",
            "cluster.server is no address",
        ),
        (b"clusters: [{name: a, cluster: {server: 'unix:///run/k8s'}}]\n", "cluster.server is no address"),
        (b"clusters: [{name: a, cluster: {server: 'https://a b'}}]\n", "cluster.server is no address"),
        (b"clusters: [{name: a, cluster: {insecure-skip-tls-verify: 'yes'}}]\n", "instead of true or false"),
        (b"clusters: [{name: a, cluster: {certificate-authority-data: '%%%'}}]\n", "is no base64 of a text"),
        (b"users: [{name: a, user: {client-key-data: [1]}}]\n", "users[0].user.client-key-data is a list"),
        (
            b"users: [{name: a, user: {exec: login}}]\n",
            "users[0].user.exec is text instead of names and values",
        ),
        (b"users: [{name: a, user: {exec: {args: []}}}]\n", "users[0].user.exec has no command"),
        (b"users: [{name: a, user: {exec: {command: a, args: [1]}}}]\n", "exec.args is no list of texts"),
        (b"users: [{name: a, user: {exec: {command: a, env: [{name: A}]}}}]\n", "exec.env[0] is no name"),
        (b"current-context: [a]\n", "current-context is a list instead of text"),
        (b"- a\n", "it holds a list instead of contexts, clusters and users"),
        (b"a: [\n", "it is no YAML in line 2"),
        (b"a: 2030-13-99\n", "it is no YAML: ValueError"),
        (b"a: \x00\n", "it is no YAML: ReaderError"),
        (b"\xff\xfec\x00o\x00", "it is not UTF-8: byte 0 of 6"),
        (b"users: [{name: caf\xe9}]\n", "it is not UTF-8: byte 18 of"),
        (b"[" * 5000, "it is no YAML"),
    ],
)
def test_a_kubeconfig_that_no_client_takes_is_told_by_its_place(
    tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "config"
    path.write_bytes(content)

    with pytest.raises(pulumi.RunError) as error:
        connection.check(Kubeconfig(), {"KUBECONFIG": str(path)})

    text = str(error.value)
    assert text.startswith(f"The cluster cannot be reached; nothing was changed.\n\n{path}\n  found: ")
    assert told in text
    assert "\n  why:   " in text
    assert "\n  next:  " in text


def test_a_kubeconfig_that_may_not_be_read_or_named_is_told_so() -> None:
    for name in ("~nobody-of-this-name/config", "/" + "x" * 300):
        with pytest.raises(pulumi.RunError, match="the file cannot be read"):
            connection.check(Kubeconfig(), {"KUBECONFIG": name})


def test_no_value_of_a_broken_kubeconfig_is_shown() -> None:
    secret = "hunter2hunter2"
    broken = {"users": [{"name": "a", "user": {"client-key-data": f"%{secret}", "token": secret}}]}
    server = f"https://me:{secret}@[::1"
    for document in (broken, {"clusters": [{"name": "a", "cluster": {"server": server}}]}):
        with pytest.raises(pulumi.RunError) as error:
            connection.check(Kubeconfig(kubeconfig=yaml.safe_dump(document)), {})
        assert secret not in str(error.value)


_JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.dates(),
    st.lists(st.text(), max_size=2),
    st.dictionaries(st.one_of(st.text(), st.integers(), st.none()), st.text(), max_size=2),
    st.sampled_from(
        ["https://[::1", "https://[", "http://:0", "//", "https://é.example", "::1", "[::1]:6443"]
    ),
)
_WHOLE = {
    "current-context": "a",
    "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a", "namespace": "n"}}],
    "clusters": [
        {
            "name": "a",
            "cluster": {
                "server": "https://127.0.0.1:1",
                "proxy-url": "http://127.0.0.1:1",
                "certificate-authority": "/nonexistent",
                "certificate-authority-data": "YQ==",
                "insecure-skip-tls-verify": True,
            },
        }
    ],
    "users": [
        {
            "name": "a",
            "user": {
                "client-certificate-data": "YQ==",
                "client-key-data": "YQ==",
                "client-key": "/nonexistent",
                "token": "t",
                "tokenFile": "/nonexistent",
                "username": "u",
                "password": "p",
                "auth-provider": {"name": "x"},
                "exec": {
                    "apiVersion": "client.authentication.k8s.io/v1",
                    "command": "/nonexistent",
                    "args": ["a"],
                    "env": [{"name": "A", "value": "b"}],
                    "provideClusterInfo": True,
                },
            },
        }
    ],
}


def _places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, entry in entries:
        yield from _places(entry, (*path, key))


def _broken(path: tuple[str | int, ...], junk: object, *, gone: bool) -> object:
    """Return the whole kubeconfig with something else, or nothing, in one place."""
    document: Any = copy.deepcopy(_WHOLE)
    if not path:
        return junk
    above = document
    for key in path[:-1]:
        above = above[key]
    if gone:
        del above[path[-1]]
    else:
        above[path[-1]] = junk
    return document


@given(
    path=st.sampled_from(sorted(_places(_WHOLE), key=str)),
    junk=_JUNK,
    gone=st.booleans(),
    several=st.sets(st.sampled_from(["proxy-url", "auth-provider", "exec", "token", "tokenFile"])),
)
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_anywhere_in_a_kubeconfig_ends_in_one_message_or_in_none(
    monkeypatch: pytest.MonkeyPatch,
    path: tuple[str | int, ...],
    junk: object,
    gone: bool,  # noqa: FBT001 - hypothesis passes it by name
    several: set[str],
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refused)
    document: Any = _broken(path, junk, gone=gone)
    for section in ("clusters", "users") if isinstance(document, dict) else ():
        # Without them the rest is read.
        with contextlib.suppress(TypeError, KeyError, IndexError, AttributeError):
            for key in several:
                document[section][0][section[:-1]].pop(key, None)
    given_one = Kubeconfig(kubeconfig=yaml.safe_dump(document, allow_unicode=True) + "\n")
    said = ""
    try:
        connection.check(given_one, {})
    except pulumi.RunError as error:
        said = str(error)
    assert not said or all(part in said for part in ("found: ", "why: ", "next: "))
    live.look(given_one, "shop", {})


def test_a_context_without_a_cluster_or_a_user_has_none(tmp_path: Path) -> None:
    path = written(tmp_path, "config", {"contexts": [{"name": "a", "context": None}]})

    found = read(Kubeconfig(kubeconfig=str(path)))

    assert found.cluster("a") == {}
    assert found.user("a") == {}
    assert found.cluster("unknown") == {}
