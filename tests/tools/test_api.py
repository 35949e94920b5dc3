"""Requests to an API server, and the meaning of its answers."""

import http.client
from typing import Any

import pytest

from tools.cluster.api import Api

_PODS = {"kind": "PodList", "items": [{"metadata": {"name": "api-1"}}]}


class Server(Api):
    """Answers by path, None where there is nothing; an answer that is an exception is raised once."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def _get(self, path: str) -> dict[str, Any] | None:
        self.asked.append(path)
        answer = self.answers.get("pods") if "pods" in path else None
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_list_is_asked_for_by_namespace_and_selectors_and_each_object_has_its_kind() -> None:
    server = Server(pods=_PODS)

    found = server.all("pods", "shop", labels="component=backend", fields="spec.nodeName=x")

    assert found == [{"kind": "Pod", "metadata": {"name": "api-1"}}]
    assert server.asked == [
        "/api/v1/namespaces/shop/pods?labelSelector=component%3Dbackend&fieldSelector=spec.nodeName%3Dx"
    ]


def test_without_a_namespace_all_of_them_are_meant() -> None:
    server = Server(pods=_PODS)

    server.all("pods")

    assert server.asked == ["/api/v1/pods"]


def test_what_belongs_to_no_namespace_is_asked_for_without_one() -> None:
    server = Server()

    server.all("nodes", "shop")

    assert server.asked == ["/api/v1/nodes"]


def test_a_kind_that_the_server_does_not_know_has_no_objects() -> None:
    assert Server().all("clusters", "shop") == []


def test_an_object_that_is_not_there_is_named() -> None:
    with pytest.raises(LookupError, match="no postgres among the clusters of shop"):
        Server().one("clusters", "postgres", "shop")


def test_a_connection_that_was_closed_meanwhile_is_opened_again() -> None:
    assert Server(pods=[http.client.RemoteDisconnected(""), _PODS]).all("pods")


def test_a_server_that_breaks_off_twice_is_an_os_error() -> None:
    broken = http.client.IncompleteRead(b"")

    with pytest.raises(OSError, match="IncompleteRead"):
        Server(pods=[broken, broken]).all("pods")
