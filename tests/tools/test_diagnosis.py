"""The diagnosis of a failed update: kubectl's findings, and never less than Pulumi's own."""

import datetime as dt
import json
from pathlib import Path
from time import sleep as waiting_for_the_thread

import pytest

from tools.cli import commands, diagnosis
from tools.stacks.target import Target
from tools.toolchain.errors import UserError

from .fakes import Heard, Machine
from .test_commands import THEIRS
from .test_reasons import BACK_OFF, CRASHED, RUNNING, WAITING, container, pod, warning

pytestmark = pytest.mark.usefixtures("checkout")

_CONFIG = {"feastflow:namespace": "shop"}
_BACKEND = {"component": "backend"}
_LATE = UserError("pulumi up failed\n'feastflow-backend' timed out waiting to be Ready", "matters", "fix")
_KUBECTL = """
case "$*" in
  'config view'*) echo '{"contexts": [{"name": "theirs"}]}' ;;
  *'get pods'*) [ ! -e "$ROOT/silent" ] || exit 1; cat "$ROOT/pods" ;;
  *'get events'*) [ ! -e "$ROOT/silent" ] || exit 1; cat "$ROOT/events" ;;
  *' logs '*) [ ! -e "$ROOT/mute" ] || exit 1; printf 'Traceback\\nno such column: price\\n' ;;
  *) printf uid-1 ;;
esac
"""


@pytest.fixture
def cluster(machine: Machine) -> Target:
    """Return a cluster in which one pod crashes again and again, and a ReplicaSet was refused a pod."""
    kubectl = machine.program("kubectl", _KUBECTL)
    crashed = pod("api-1", container(BACK_OFF, lastState=CRASHED))
    now = dt.datetime.now(tz=dt.UTC).isoformat()
    refused = warning("ReplicaSet", "api-7c9", "FailedCreate", "exceeded quota", now)
    machine.file("pods", json.dumps({"items": [crashed]}))
    machine.file("events", json.dumps({"items": [refused]}))
    return Target(context="theirs", kubeconfig=Path("/k"), kubectl=kubectl, identity="uid-1", local=None)


def _failed(cluster: Target, refusal: UserError = _LATE) -> UserError:
    with pytest.raises(UserError) as caught, diagnosis.explained(cluster, _CONFIG, Heard()):
        raise refusal
    return caught.value


def test_an_update_that_waited_in_vain_ends_with_the_pods_own_reason(
    machine: Machine, cluster: Target
) -> None:
    refusal = _failed(cluster)
    assert refusal.found.splitlines() == [
        *_LATE.found.splitlines(),
        "",
        "ReplicaSet api-7c9: FailedCreate",
        "  exceeded quota",
        "api-1, container backend: ended with 1",
        "  | Traceback",
        "  | no such column: price",
    ]
    assert (refusal.why, refusal.fix) == ("matters", "fix")
    (call,) = machine.called("kubectl", "logs")
    begin = "--kubeconfig /k --context theirs --namespace shop logs api-1 --container backend"
    assert call == f"{begin} --tail=6 --previous"


def test_a_failure_that_has_nothing_to_do_with_pods_is_left_as_it_is(
    machine: Machine, cluster: Target
) -> None:
    other = UserError("pulumi up failed\nerror: incorrect passphrase", "matters", "fix")
    assert _failed(cluster, other) is other
    assert machine.calls("kubectl") == []


@pytest.mark.parametrize("silent", ["silent", "no kubectl"])
def test_a_cluster_that_does_not_answer_takes_nothing_from_the_message(
    machine: Machine, cluster: Target, silent: str
) -> None:
    machine.file("silent")
    if silent == "no kubectl":
        cluster.kubectl.unlink()
    assert _failed(cluster) is _LATE


def test_a_container_without_a_log_is_named_all_the_same(machine: Machine, cluster: Target) -> None:
    machine.file("mute")
    assert _failed(cluster).found.endswith("api-1, container backend: ended with 1")


def test_a_log_is_not_asked_for_lines_that_the_pod_itself_has(machine: Machine, cluster: Target) -> None:
    ended = {"terminated": {**CRASHED["terminated"], "message": "no such table"}}
    crashed = pod("api-1", container(BACK_OFF, lastState=ended))
    machine.file("pods", json.dumps({"items": [crashed]}))
    assert _failed(cluster).found.endswith("api-1, container backend: ended with 1\n  | no such table")
    assert not machine.called("kubectl", "logs")


def test_an_update_that_works_asks_nothing(machine: Machine, cluster: Target) -> None:
    with diagnosis.explained(cluster, _CONFIG, Heard()):
        pass
    assert machine.calls("kubectl") == []


def _looking(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Have each look come at once, and what is seen last for `seconds` between two of them."""
    clock = iter(range(10**6))
    monkeypatch.setattr(diagnosis, "_EVERY_SECONDS", 0.001)
    monkeypatch.setattr(diagnosis, "_clock", lambda: next(clock) * seconds)


def _canceled_once_hopeless(cluster: Target, step: Heard) -> None:
    with diagnosis.explained(cluster, _CONFIG, step) as waiting:
        for _ in range(1000):
            if waiting.hopeless(["backend-deployment"]):
                raise UserError("pulumi up failed\nerror: update canceled", "matters", "fix")
            waiting_for_the_thread(0.005)


def test_what_cannot_come_is_told_while_it_is_awaited_and_then_given_up(
    machine: Machine, cluster: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = {**pod("api-1", container(WAITING)), "metadata": {"name": "api-1", "labels": _BACKEND}}
    machine.file("pods", json.dumps({"items": [missing]}))
    machine.file("events", '{"items": []}')
    _looking(monkeypatch, 8)
    step = Heard()

    with pytest.raises(UserError) as caught:
        _canceled_once_hopeless(cluster, step)

    words = "api-1, container backend: ImagePullBackOff\n  Back-off pulling image x:2"
    assert step.lines == [words]
    assert (
        "error: update canceled\nwhat the update waited for cannot come, so it was given up"
        in caught.value.found
    )
    assert caught.value.found.endswith(words)


def test_what_may_still_come_is_told_once_and_waited_for(
    machine: Machine, cluster: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = {**pod("api-1", container(RUNNING)), "metadata": {"name": "api-1", "labels": _BACKEND}}
    probe = warning("Pod", "api-1", "Unhealthy", "Readiness probe failed: 503", "2099-01-01T00:00:00Z")
    machine.file("pods", json.dumps({"items": [slow]}))
    machine.file("events", json.dumps({"items": [probe]}))
    _looking(monkeypatch, 100)
    step = Heard()

    with diagnosis.explained(cluster, _CONFIG, step) as waiting:
        for _ in range(400):
            assert not waiting.hopeless(["backend-deployment"])
            if len(machine.called("kubectl", "get pods")) > 5:
                break
            waiting_for_the_thread(0.005)

    assert step.lines == ["api-1, container backend: runs and is not ready\n  Readiness probe failed: 503"]


def test_make_up_itself_ends_so(machine: Machine, cluster: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cluster.context == THEIRS.context
    monkeypatch.setenv("BACKEND_IMAGE", "api:2")
    settings = "config: {feastflow:namespace: shop, feastflow:frontend: {image: page:1}}\n"
    machine.file("checkout/Pulumi.dev.yaml", settings)
    machine.program(
        "pulumi",
        """case "$*" in
          version) echo v3.200.0 ;;
          *" export "*) echo '{}' ;;
          *" up "*) echo "error: 'feastflow-backend' timed out waiting to be Ready"; exit 255 ;;
        esac""",
    )
    with pytest.raises(UserError) as caught:
        commands.up(THEIRS)
    assert "timed out waiting to be Ready" in caught.value.found
    assert "no such column: price" in caught.value.found
    assert machine.called("kubectl", "--namespace shop get pods")
