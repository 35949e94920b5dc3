"""A contender's end: when it is done, and that nothing of it is left."""

from pathlib import Path
from typing import Any

import pytest

from tools.bench import place, runner
from tools.bench.place import Place
from tools.cluster.api import Api
from tools.cluster.handle import Cluster
from tools.stacks import smoke
from tools.toolchain.errors import UserError
from tools.toolchain.kubectl import Kubectl

_NAMESPACE = "feastflow-bench-pulumi"
_KINDS = {"deployments": "Deployment", "statefulsets": "StatefulSet"}


class Answers(Api):
    """An API server that says what it is told to say, by kind."""

    def __init__(self, **lists: list[dict[str, Any]]) -> None:
        self.lists = lists

    def all(
        self, kind: str, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ) -> list[dict[str, Any]]:
        return [{**each, "kind": _KINDS.get(kind, "")} for each in self.lists.get(kind, [])]


class Noted(Kubectl):
    def output(self, *arguments: str, stdin: str | None = None, timeout: float = 60) -> str:
        Told.asked.append(arguments)
        return "namespace/default\nnamespace/feastflow-bench-helm\nnamespace/feastflow-dev\n"


class Told(Cluster):
    """A cluster whose kubectl only notes what it is asked."""

    asked: list[tuple[str, ...]] = []  # noqa: RUF012 - cleared by the fixture

    @property
    def client(self) -> Kubectl:
        return Noted(command=())


@pytest.fixture
def cluster(tmp_path: Path) -> Told:
    Told.asked.clear()
    return Told(name="bench", port=8080, engine=None, kubeconfig=tmp_path, tools=tmp_path)  # type: ignore[arg-type]


def here(cluster: Cluster, api: Api) -> Place:
    return Place(cluster=cluster, namespace=_NAMESPACE, settings={}, api=api)


def workload(name: str, wanted: int, there: int) -> dict[str, Any]:
    numbers = {
        "replicas": there,
        "updatedReplicas": there,
        "availableReplicas": there,
        "readyReplicas": there,
    }
    return {
        "metadata": {"name": name, "namespace": _NAMESPACE, "generation": 1},
        "spec": {"replicas": wanted},
        "status": {**numbers, "observedGeneration": 1},
    }


def pod(name: str, template: str, *, ready: bool = True) -> dict[str, Any]:
    condition = {"type": "Ready", "status": str(ready)}
    return {
        "metadata": {"name": name, "labels": {"pod-template-hash": template}},
        "status": {"conditions": [condition]},
    }


def endpoints(*names: str) -> dict[str, Any]:
    return {"endpoints": [{"conditions": {"ready": True}, "targetRef": {"name": name}} for name in names]}


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> Answers:
    monkeypatch.setattr(smoke, "get", lambda *_: (200, ""))
    return Answers(
        deployments=[workload("feastflow-backend", 1, 1), workload("feastflow-frontend", 1, 1)],
        statefulsets=[workload("postgres", 1, 1)],
        pods=[pod("old-1", "old")],
        endpointslices=[endpoints("old-1")],
    )


def test_it_is_complete_when_all_workloads_are_and_the_site_answers(
    cluster: Told, whole: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert here(cluster, whole).complete()
    monkeypatch.setattr(smoke, "get", lambda *_: (502, ""))
    assert not here(cluster, whole).complete()


@pytest.mark.parametrize("kind", ["deployments", "statefulsets"])
def test_it_is_not_complete_before_every_workload_is_there(cluster: Told, whole: Answers, kind: str) -> None:
    whole.lists[kind] = []

    assert not here(cluster, whole).complete()


def test_a_change_is_complete_when_no_pod_from_before_is_left(cluster: Told, whole: Answers) -> None:
    assert not here(cluster, whole).complete({"old"})
    whole.lists["pods"] = [pod("new-1", "new")]
    assert here(cluster, whole).complete({"old"})


def test_a_new_pod_serves_when_requests_are_led_to_it(cluster: Told, whole: Answers) -> None:
    seen = here(cluster, whole)
    assert not seen.serves({"old"})
    whole.lists["pods"].append(pod("new-1", "new", ready=False))
    assert not seen.serves({"old"})
    whole.lists["pods"][-1] = pod("new-1", "new")
    assert not seen.serves({"old"})
    whole.lists["endpointslices"].append(endpoints("new-1"))
    assert seen.serves({"old"})


def test_what_never_comes_is_refused_with_what_is_missing(
    cluster: Told, whole: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "_PATIENCE_SECONDS", 0.0)
    whole.lists["statefulsets"] = [workload("postgres", 1, 0)]

    with pytest.raises(UserError, match="statefulset postgres"):
        here(cluster, whole).wait(here(cluster, whole).complete)


def test_its_settings_are_those_of_dev_for_another_namespace_and_host() -> None:
    settings = place._for({"feastflow:namespace": "feastflow-dev", "feastflow:edge": {"port": 8380}}, "other")

    assert settings["feastflow:namespace"] == "other"
    assert settings["feastflow:edge"] == {"port": 8380, "host": "other.localhost"}


def test_a_namespace_goes_with_what_belongs_to_it_outside_of_it(cluster: Told) -> None:
    place.remove(cluster, [_NAMESPACE])

    assert [arguments[:2] for arguments in cluster.asked if "namespace" in arguments] == [
        ("delete", "namespace")
    ]
    assert any("priorityclasses" in part for arguments in cluster.asked for part in arguments)
    assert f"{place.INSTANCE}={_NAMESPACE}" in cluster.asked[0]


def test_only_namespaces_of_its_own_are_taken_for_left_ones(cluster: Told) -> None:
    assert place.left(cluster) == ["feastflow-bench-helm"]


class Fails:
    """A tool that cannot install."""

    name = "pulumi"
    what = "a tool that fails"

    def prepare(self, where: Place, folder: Path) -> None:
        pass

    def install(self, where: Place, folder: Path) -> None:
        raise UserError("it cannot", "it was to be measured", "fix it")

    again = preview = change = install


def test_whatever_becomes_of_a_run_its_namespace_is_deleted(
    cluster: Told, whole: Answers, tmp_path: Path
) -> None:
    with pytest.raises(UserError):
        runner.course(Fails(), here(cluster, whole), tmp_path, runner.BENCHES, lambda _: None)

    assert ("delete", "namespace", _NAMESPACE, "--ignore-not-found") in cluster.asked
