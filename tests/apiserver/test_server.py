"""The lane's own server: its promises to the tests that use it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ..harness.kube import Kube, Object, condition, name_of, ruled
from ..harness.product import ROOT
from ..harness.waiting import until
from . import loopback, scenes
from .programs import Programs
from .server import Server

_OTHER = """
import sys
from tests.apiserver import server
with server.running() as made:
    print(made.known.folder, *made.programs.pids().values(), flush=True)
    sys.stdin.read()
"""
_PROGRAMS = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"}


@pytest.fixture(scope="module")
def space(server: Server) -> Kube:
    """Return a namespace without rules."""
    kube = Kube(kubectl=str(server.kubectl), kubeconfig=server.kubeconfig, namespace="stage")
    kube.run("create", "namespace", kube.namespace)
    return kube


def test_a_second_server_is_another_cluster_and_a_killed_owner_leaves_none_of_it(
    server: Server, space: Kube
) -> None:
    with subprocess.Popen(  # noqa: S603 - this interpreter, and a text from above
        [sys.executable, "-c", _OTHER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        try:
            assert owner.stdout is not None
            folder, *pids = next(line for line in owner.stdout if line.startswith("/")).split()
            other = Kube(
                kubectl=str(server.kubectl), kubeconfig=Path(folder) / "kubeconfig", namespace="default"
            )
            mine, theirs = (name_of_cluster(each) for each in (space, other))
            assert mine != theirs
            assert other.ask("get", "namespace", space.namespace).code != 0
        finally:
            owner.send_signal(signal.SIGKILL)
    assert len(pids) == len(_PROGRAMS)
    until(lambda: not any(map(_runs, pids)), what="the other server's programs to end", within=30)
    assert set(server.programs.pids()) == _PROGRAMS
    assert space.ask("get", "--raw", "/readyz").out == "ok"


def test_the_tests_of_a_folder_share_a_server_and_those_of_other_files_need_not() -> None:
    names = [f"tests/apiserver/{name}.py::test_it[a/b::c]" for name in ("dev/test_a", "dev/test_b", "test_c")]
    one, other, third = map(scenes.of, names)
    assert one == other
    assert third not in (one, scenes.of("tests/apiserver/test_d.py::test_it"))


def test_an_address_is_one_servers_alone_and_free_again_afterwards() -> None:
    with loopback.claimed([6443]) as one:
        with loopback.claimed([6443]) as other:
            assert one != other
        with loopback.claimed([6443]) as again:
            assert again == other


def test_no_program_runs_after_the_block_whatever_happened(tmp_path: Path) -> None:
    seen: list[int] = []

    def interrupted() -> None:
        with Programs(tmp_path) as programs:
            programs.start("sleeper", ["sleep", "600"])
            seen.extend(pid for pid in programs.pids().values() if _runs(pid))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    (pid,) = seen
    assert not _runs(pid)


def test_a_program_that_ends_by_itself_is_reported_with_its_last_words(tmp_path: Path) -> None:
    with Programs(tmp_path) as programs:
        programs.start("etcd", ["sh", "-c", "echo the disk is full; exit 3"])

        def reported() -> str:
            try:
                programs.assert_running()
            except RuntimeError as problem:
                return str(problem)
            return ""

        assert until(reported, what="the end", within=10) == "etcd ended with 3:\nthe disk is full"


@pytest.mark.parametrize(
    ("tag", "reason"), [("crashes", "CrashLoopBackOff"), ("missing", "ImagePullBackOff"), ("1.0", None)]
)
def test_an_images_tag_is_a_stage_direction(space: Kube, tag: str, reason: str | None) -> None:
    name = tag.replace(".", "-")
    spec = {**ruled({"image": f"registry.example.com/page:{tag}"}), "serviceAccountName": "default"}
    pod: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    space.run("create", "--filename", "-", stdin=json.dumps(pod))

    def state() -> list[Object]:
        return [each["state"] for each in space.get("pod", name)["status"].get("containerStatuses", [])]

    (seen,) = until(state, what="what becomes of the pod", within=30)
    assert seen.get("waiting", {}).get("reason") == reason
    assert condition(space.get("pod", name), "Ready") == str(reason is None)


@pytest.mark.parametrize(("tag", "ends"), [("crashes", "Failed"), ("1.0", "Complete")])
def test_a_job_ends_as_its_image_says(space: Kube, tag: str, ends: str) -> None:
    name = f"job-{ends.lower()}"
    spec = {
        **ruled({"image": f"registry.example.com/api:{tag}"}),
        "serviceAccountName": "default",
        "restartPolicy": "Never",
    }
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": {"spec": spec}},
    }
    space.run("create", "--filename", "-", stdin=json.dumps(job))
    space.run("wait", "job", name, f"--for=condition={ends}", "--timeout=30s")


def test_pods_are_spread_over_three_zones_by_the_scheduler(space: Kube) -> None:
    nodes = space.all("nodes")
    assert {name_of(node)[-1] for node in nodes} == {"a", "b", "c"}
    assert {condition(node, "Ready") for node in nodes} == {"True"}
    assert [node["spec"].get("taints") for node in nodes] == [None, None, None]


def name_of_cluster(kube: Kube) -> str:
    """Return the cluster's identity: the uid of kube-system."""
    return str(kube.get("namespace", "kube-system")["metadata"]["uid"])


def _runs(pid: int | str) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
