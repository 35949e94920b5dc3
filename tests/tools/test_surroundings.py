"""Isolation from the machine: the user's settings and services reach no test."""

import socket

import pytest

from .. import surroundings
from ..surroundings import free_port, neutral


@pytest.mark.parametrize(
    "name",
    [
        "STACK",
        "MAKEFLAGS",
        "COLUMNS",
        "PULUMI_BACKEND_URL",
        "AWS_PROFILE",
        "KUBECONFIG",
        "GIT_DIR",
        "LC_TIME",
    ],
)
def test_what_the_user_or_make_has_set_is_left_out(name: str) -> None:
    assert name not in neutral({name: "of the user"})


@pytest.mark.parametrize(
    "name", ["HOME", "PATH", "XDG_CACHE_HOME", "GOPROXY", "PIP_INDEX_URL", "HTTPS_PROXY", "LANE_FOLDER"]
)
def test_caches_registries_and_proxies_stay(name: str) -> None:
    assert neutral({name: "of the user"})[name] == "of the user"


def test_loopback_is_reached_without_a_proxy() -> None:
    assert neutral({"no_proxy": "example.com"})["no_proxy"].split(",")[:2] == ["example.com", "localhost"]
    assert "127.0.0.1" in neutral({})["NO_PROXY"].split(",")


def test_a_port_that_another_program_listens_on_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    free = free_port()
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        monkeypatch.setattr(surroundings, "_PORTS", [taken, free])

        assert free_port() == free
