"""Each drill, on a cluster that records its calls: what is aimed at, broken and repaired."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import pytest

from components.settings import reader
from components.settings.values.merging import merged
from tools.cluster.engine import Engine
from tools.cluster.handle import Cluster
from tools.data import restoring
from tools.drills import copied, lost, objects, pathcut, pods, releases, scaling, under_way, waiting
from tools.drills.catalogue import DRILLS
from tools.drills.drill import Drill
from tools.drills.journal import Facts
from tools.drills.objects import Object
from tools.drills.samples import Sample
from tools.drills.stage import Stage
from tools.observe.part import OTLP_ENDPOINT
from tools.stacks.stack import Stack
from tools.stacks.workspace import Workspace
from tools.store import keys
from tools.toolchain.errors import UserError
from tools.toolchain.kubectl import Kubectl
from tools.toolchain.process import CommandError
from tools.toolchain.pulumi import Pulumi

from ..unit.recorder import encode, stack_file
from .fakes import NO_API, sample
from .test_objects import deployment, pod

NODES = ("x-control-plane", "x-worker", "x-worker2")
ZONES = dict(zip(NODES, "abc", strict=True))
HOME = "x-worker"
_AGAIN = ["refresh", "key offered", "up judged=True"]
PATH = "/var/local-path-provisioner/pvc-1"


@dataclass(frozen=True, kw_only=True)
class _Engine(Engine):
    said: list[str] = field(default_factory=list)
    holds: tuple[str, ...] = ()

    def run(self, *arguments: str, timeout: float = 300) -> str:
        assert timeout
        self.said.append(" ".join(arguments))
        if arguments[0] == "ps":
            return "\n".join(NODES)
        if "df" in arguments:
            return "Avail\n 3\n"
        if "containers" in arguments:
            return "0123\n"
        return "0123  42  RUNNING\n" if "tasks" in arguments and "list" in arguments else ""

    def has(self, *arguments: str) -> bool:
        self.said.append(" ".join(arguments))
        return (
            arguments[0] == "start" or "kubelet" in arguments or any(held in arguments for held in self.holds)
        )


@dataclass(frozen=True, kw_only=True)
class _Stage(Stage):
    said: list[str] = field(default_factory=list)
    deployed: list[dict[str, Any]] = field(default_factory=list)
    leader: str = "postgres-0"
    # The allocations until the kernel kills the container.
    meals: int = 1

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 60) -> str:
        assert timeout
        self.said.append(" ".join((*arguments, stdin or "")))
        return "2"

    def all(
        self, kind: str, *, namespace: str | None = None, labels: str = "", fields: str = ""
    ) -> list[Object]:
        if kind == "nodes":
            zones = {name: {"topology.kubernetes.io/zone": zone} for name, zone in ZONES.items()}
            return [{"metadata": {"name": name, "labels": zones[name]}} for name in NODES]
        if kind == "deployments":
            return [deployment(name="feastflow-backend")]
        if labels == "app.kubernetes.io/name=postgres":
            return [pod("postgres-0", node=HOME)]
        if fields.startswith("spec.nodeName="):
            running = {"startedAt": "2999-01-01T00:00:00Z"}
            return [pod(status={"containerStatuses": [{"state": {"running": running}}]})]
        if fields == "metadata.name=postgres-0" or namespace in ("cnpg-system", "feastflow-store"):
            return []
        eaten = sum("python3 -c" in said for said in self.said)
        return [pod("api-1", node="x-worker2", restarts=2 + eaten // self.meals), pod("api-2", node=HOME)]

    def get(self, kind: str, name: str) -> dict[str, Any]:
        if kind == "pods":
            return {"spec": {"nodeName": HOME}}
        if kind == "persistentvolumeclaims":
            return {"spec": {"volumeName": "pvc-1"}}
        assert (kind, name) == ("persistentvolumes", "pvc-1")
        term = {"matchExpressions": [{"values": [HOME]}]}
        return {
            "spec": {"hostPath": {"path": PATH}, "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}}
        }

    def primary(self) -> str:
        return self.leader

    def missing(self) -> list[str]:
        return []

    def sql(self, statement: str, **values: str) -> list[list[str]]:
        self.said.append(f"{statement} {values}")
        if "sync_state" in statement:
            return [["quorum"]]
        if "archive" in statement:
            return [["30"]]
        return [["f"]] if "recovery" in statement else [["feastflow_a"]]

    def config(self) -> dict[str, Any]:
        return self.deployed[-1] if self.deployed else {"feastflow:rotation": 1}

    def deploy(self, config: Mapping[str, Any], *, judged: bool = True) -> None:
        self.said.append(f"up judged={judged}")
        self.deployed.append(dict(config))


def _stage(folder: Path, **changes: Any) -> _Stage:
    engine = _Engine(command="podman", own=False, why="", **changes)
    cluster = Cluster(name="x", port=8080, engine=engine, kubeconfig=folder / "kubeconfig", tools=folder)
    cli = Pulumi(executable=folder / "pulumi", environment={}, official=False)
    stack = Stack(name="dev", workspace=Workspace(folder=folder, environment={}), cli=cli, environment={})
    return _Stage(
        cluster=cluster, api=NO_API, stack=stack, namespace="shop", url="http://shop.localhost", rate=100
    )


@dataclass
class _Added:
    """A load that a drill adds, all of whose requests are answered."""

    ended: bool = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ended = True

    def alive(self) -> None:
        assert not self.ended

    def stop(self) -> list[Sample]:
        return [sample(1.0, 201, kind="order", number="FF-1", note="more-1")]


def _begun(stage: _Stage) -> None:
    stage.said.append("up begun")


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Stage:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(waiting, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(pods, "_NOTICED_SECONDS", 0.0)
    monkeypatch.setattr(under_way, "begin", _begun)
    monkeypatch.setattr(scaling, "_added", lambda _: _Added())
    monkeypatch.setattr(scaling, "_requests", lambda _: 80.0)
    monkeypatch.setattr(copied, "settings", lambda _: {"destination": "s3://backups/dev"})
    found = _stage(tmp_path)

    @contextmanager
    def offered(*_: object) -> Iterator[None]:
        found.said.append("key offered")
        yield

    monkeypatch.setattr(keys, "offered", offered)
    monkeypatch.setattr(Stack, "refresh", lambda *_: found.said.append("refresh"))
    monkeypatch.setattr(restoring, "beside", lambda *_: (None, {"public.menu": 3, "public.late": 0}))
    monkeypatch.setattr(restoring, "over", lambda *told: found.said.append(f"replaced {told[2]}"))

    def noted(_: Kubectl, *words: str, timeout: float = 60) -> str:
        assert timeout
        found.said.append(" ".join(words))
        return ""

    monkeypatch.setattr(Kubectl, "output", noted)
    return found


def _broken(stage: _Stage, name: str) -> tuple[Drill, Facts]:
    """Return the drill after it has broken what it is made for."""
    drill = DRILLS[name]()
    drill.within = 0.05  # type: ignore[misc] # nothing here takes time
    facts = json.loads(json.dumps(drill.aim(stage)))
    assert stage.said == [] or all("get" in said or "SELECT" in said for said in stage.said), (
        "aiming changes nothing"
    )
    drill.inject(stage, facts)
    return drill, facts


def _engine(stage: _Stage) -> list[str]:
    assert isinstance(stage.cluster.engine, _Engine)
    return stage.cluster.engine.said


# That one asks a store: test_judged.py.
@pytest.mark.parametrize("name", [name for name in DRILLS if name != "canary-judged"])
def test_a_drill_can_be_aimed_injected_looked_at_and_undone_twice(stage: _Stage, name: str) -> None:
    drill, facts = _broken(stage, name)
    drill.begun(stage, facts)
    drill.relief_due(stage, facts, 1000.0)
    drill.restored(stage, facts)
    if drill.relief:
        drill.relieve(stage, facts)
    # The next run knows only what the journal has.
    kept = DRILLS[name]().aim(stage) if not name.startswith(("release", "rot", "up", "scaled")) else facts
    for known in (facts, kept):
        DRILLS[name]().undo(stage, json.loads(json.dumps(known)))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("backend-killed", "exec x-worker2 ctr --namespace k8s.io tasks kill --signal SIGKILL 0123"),
        ("liveness-lost", "exec x-worker2 ctr --namespace k8s.io tasks kill --signal SIGSTOP 0123"),
        ("worker-killed", "kill x-worker2"),
        ("zone-gone", "kill x-worker2"),
        ("primary-node", "kill x-worker"),
        (
            "readiness-lost",
            "exec x-worker2 nsenter --target 42 --net iptables --wait -I OUTPUT -p tcp --dport 5432",
        ),
        (
            "connection-cut",
            "exec x-worker nsenter --target 42 --net iptables --wait -I INPUT ! -i lo -j DROP",
        ),
        ("api-server-away", "exec x-worker2 mv /etc/kubernetes/manifests/kube-apiserver.yaml"),
        ("disk-full", f"sh {PATH}"),
    ],
)
def test_what_is_broken_from_the_node_is_broken_there(stage: _Stage, name: str, told: str) -> None:
    _broken(stage, name)

    assert any(told in said for said in _engine(stage)), _engine(stage)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("oom-killed", "exec api-1 --container backend -- python3 -c"),
        ("node-drained", "drain x-worker2"),
        ("primary-drained", "drain x-worker "),
        ("primary-killed", "delete pod postgres-0 --force --grace-period 0 --wait=false"),
        ("operator-away", "--namespace cnpg-system scale deployment/cnpg-controller-manager --replicas=0"),
        ("dns-killed", "--namespace kube-system delete pod api-1 api-2 --force"),
        ("ingress-restarted", "--namespace traefik delete pod api-1 api-2 --wait=false"),
        ("release-unready", "up begun"),
        ("table-dropped", "DROP TABLE orders CASCADE"),
        ("table-dropped", "replaced public.menu"),
        ("primary-and-volume-lost", "delete persistentvolumeclaim postgres-0 --wait=false"),
        ("primary-and-volume-lost", "delete pod postgres-0 --force --grace-period 0 --wait=false"),
        ("bucket-away", "--namespace feastflow-store scale deployment/store --replicas=0"),
        ("log-full", "--namespace feastflow-store scale deployment/store --replicas=0"),
        ("backed-up", "create job feastflow-backups-"),
        ("namespace-lost", "delete namespace shop"),
    ],
)
def test_what_is_broken_through_the_api_server_is_broken_there(stage: _Stage, name: str, told: str) -> None:
    _broken(stage, name)

    assert any(told in said for said in stage.said), stage.said


@pytest.mark.parametrize(
    ("name", "holds", "told"),
    [
        ("worker-killed", (), "start x-worker2"),
        ("api-server-away", ("test",), "mv /etc/kubernetes/kube-apiserver.yaml.drill"),
        ("disk-full", ("mountpoint",), "mount --bind"),
        ("liveness-lost", (), "SIGCONT 0123"),
        ("connection-cut", (), "-D OUTPUT ! -o lo -j DROP"),
    ],
)
def test_what_is_repaired_on_the_node_is_repaired_there(
    stage: _Stage, tmp_path: Path, name: str, holds: Sequence[str], told: str
) -> None:
    drill, facts = _broken(stage, name)
    fresh = _stage(tmp_path, holds=tuple(holds))
    drill.undo(fresh, facts)

    assert any(told in said for said in _engine(fresh)), _engine(fresh)


def test_a_rule_that_was_deleted_with_its_pod_needs_no_repair(
    stage: _Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pathcut, "process_id", lambda *_: None)
    pathcut.repair(stage, HOME, "api-1", pathcut.EVERYTHING)
    with pytest.raises(UserError, match="no container of api-1 runs"):
        pathcut.cut(stage, HOME, "api-1", pathcut.EVERYTHING)


def test_releases_end_with_the_settings_they_began_with(stage: _Stage) -> None:
    before = stage.config()
    for name in ("release-good", "rotation", "release-crashes"):
        drill, facts = _broken(stage, name)
        assert stage.config() != before
        drill.undo(stage, facts)
        assert stage.config() == before
        deployed = len(stage.deployed)
        drill.undo(stage, facts)
        assert len(stage.deployed) == deployed, "nothing to do a second time"
        stage.said.clear()


@pytest.mark.parametrize(
    "name",
    [
        "release-good",
        "release-unready",
        "release-crashes",
        "rotation",
        "scaled",
        "scaled-by-load",
        "canary-judged",
    ],
)
def test_what_a_release_drill_changes_are_settings_that_the_program_takes(stage: _Stage, name: str) -> None:
    drill = DRILLS[name]()
    assert isinstance(drill, releases.Release)
    config = merged(stack_file("dev"), drill.changes(stage))

    assert reader.parse({key: encode(value) for key, value in config.items()})


@pytest.mark.parametrize("replicas", [2, 5])
def test_a_backend_that_is_scaled_within_its_maximum_leaves_the_database_as_it_is(
    stage: _Stage, monkeypatch: pytest.MonkeyPatch, replicas: int
) -> None:
    there = [deployment(name="feastflow-backend", replicas=replicas)]
    monkeypatch.setattr(_Stage, "all", lambda *_, **__: there)
    drill = DRILLS["scaled"]()
    assert isinstance(drill, releases.Release)
    before = stack_file("dev")
    after = merged(before, drill.changes(stage))
    assert after["feastflow:backend"]["autoscaling"]["minReplicas"] == replicas + 2

    accepted = {
        reader.parse({key: encode(value) for key, value in config.items()})[0].connections
        for config in (before, after)
    }
    assert len(accepted) == 1


def test_observers_come_back_in_their_number_and_the_tiers_are_told_of_them_no_longer(
    stage: _Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = {"deployments": [deployment(name="metrics", replicas=1)], "pods": [pod("metrics-1")]}
    monkeypatch.setattr(_Stage, "all", lambda _, kind, **__: listed[kind])
    drill, before = DRILLS["observability-gone"](), stage.config()
    drill.aim(stage)
    drill.prepare(stage)
    assert stage.config()["feastflow:observability"] == {"otlpEndpoint": OTLP_ENDPOINT}
    facts = json.loads(json.dumps(drill.aim(stage)))
    drill.inject(stage, facts)
    assert stage.said[-1].strip() == "--namespace observability scale --replicas=0 deployment/metrics"
    assert not drill.begun(stage, facts), "a pod of theirs is left"
    listed["pods"] = []
    assert drill.begun(stage, facts)
    assert not drill.restored(stage, facts), "the minute has just begun"
    since = {name: at - 60 for name, at in drill.moments(stage, facts).items()}
    assert drill.promise.p99_from in since
    assert drill.restored(stage, {**facts, **since})

    drill.undo(stage, facts)
    assert any("scale --replicas=1 deployment/metrics" in said for said in stage.said)
    assert stage.config() == before


def test_without_observers_there_is_nothing_to_take_away(
    stage: _Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Stage, "all", lambda *_, **__: [])
    lacks = DRILLS["observability-gone"]().lacking(stage)
    assert lacks
    assert "make observe" in lacks.fix


def test_more_load_takes_as_many_pods_as_its_requests_and_the_target_say(
    stage: _Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [pod(f"api-{number}") for number in (1, 2)]
    listed = {"pods": there, "deployments": [deployment(replicas=2)]}
    monkeypatch.setattr(_Stage, "all", lambda _, kind, **__: listed[kind])
    drill, facts = _broken(stage, "scaled-by-load")
    assert stage.config()["feastflow:backend"]["autoscaling"] == {
        "requestsPerSecond": 100,
        "cpuPercent": None,
        "memoryPercent": None,
        "scaleDownSeconds": 0,
    }
    assert not drill.relief_due(stage, facts, 1.0), "the pods of before are enough for that"
    monkeypatch.setattr(scaling, "_requests", lambda _: 240.0)
    assert not drill.relief_due(stage, facts, 60.0), "two pods are there, and three are wanted"
    there.append(pod("api-3"))
    assert drill.relief_due(stage, facts, 75.0)
    drill.relieve(stage, facts)

    assert not drill.restored(stage, facts)
    there.pop()
    assert drill.restored(stage, facts)
    loaded, scaled = sorted(drill.moments(stage, facts).items(), key=lambda each: each[1])
    assert (loaded[0], scaled[0][:6]) == ("three times the load", "3 pods")
    assert [each.number for each in drill.samples()] == [""], "its orders are not of the steady load"


def test_pods_that_were_never_added_are_not_taken_for_gone(
    stage: _Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = {"pods": [pod("api-1"), pod("api-2")], "deployments": [deployment(replicas=2)]}
    monkeypatch.setattr(_Stage, "all", lambda _, kind, **__: listed[kind])
    drill, facts = _broken(stage, "scaled-by-load")
    drill.relieve(stage, facts)

    assert not drill.restored(stage, facts)
    assert drill.stands(stage, facts) == "80 requests/s of the API are known, 2 pods are there"


def test_where_no_requests_are_served_to_autoscalers_the_drill_says_how_to_have_them(
    stage: _Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> str:
        raise CommandError(["kubectl"], 1, "not found")

    monkeypatch.setattr(_Stage, "kubectl", refused)
    lacks = DRILLS["scaled-by-load"]().lacking(stage)
    assert lacks
    assert ("no requests a second to autoscalers" in lacks.found, "make observe" in lacks.fix) == (True, True)


def test_a_rotation_goes_one_up_and_locks_the_login_that_it_opened(stage: _Stage) -> None:
    drill, facts = _broken(stage, "rotation")
    assert stage.config()["feastflow:rotation"] == 2
    drill.undo(stage, facts)

    assert "ALTER ROLE" in stage.said[-1]
    assert "{'kept': 'feastflow_a'}" in stage.said[-1]


def test_the_operator_comes_back_as_many_as_it_was(stage: _Stage) -> None:
    drill, facts = _broken(stage, "operator-away")
    assert not drill.relief_due(stage, facts, 1000.0), "it is away for a while after the primary was killed"
    drill.relieve(stage, facts)

    assert stage.said[-1].strip().endswith("--replicas=2")


def test_a_zone_with_the_control_plane_is_not_switched_off(
    stage: _Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ZONES, "x-control-plane", "c")
    with pytest.raises(UserError, match="holds the control plane too"):
        DRILLS["zone-gone"]().aim(stage)


def test_a_worker_without_a_pod_of_a_tier_gets_one_before_it_fails(
    stage: _Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    (api,) = objects.pods([pod("api-1", node=HOME)])
    monkeypatch.setattr(_Stage, "pods", lambda *_: [api])
    DRILLS["node-drained"]().prepare(stage)

    assert [said.strip() for said in stage.said if "get" not in said] == [
        "cordon x-control-plane x-worker",
        "delete pod api-1 api-1",
        "uncordon x-control-plane x-worker x-worker2",
    ]


def test_it_is_noted_when_the_control_plane_gave_a_node_up_and_nothing_where_it_did_not_yet(
    stage: _Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    drill, facts = _broken(stage, "worker-killed")
    assert facts["nodes"] == ["x-worker2"]
    given_up = {"type": "Ready", "status": "Unknown", "lastTransitionTime": "2026-01-01T00:00:40Z"}
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:09:00Z"}

    def nodes(second: dict[str, str]) -> None:
        found = [
            {"metadata": {"name": name}, "status": {"conditions": [condition]}}
            for name, condition in {"x-worker": ready, "x-worker2": second}.items()
        ]
        monkeypatch.setattr(_Stage, "all", lambda *_: found)

    nodes(given_up)
    assert drill.moments(stage, facts) == {"NotReady": 1767225640.0}
    nodes(ready)
    assert drill.moments(stage, facts) == {}


def test_a_worker_with_pods_of_each_tier_is_taken_as_it_is(stage: _Stage) -> None:
    DRILLS["node-drained"]().prepare(stage)

    assert stage.said == []


def test_a_pod_that_was_restarted_before_is_replaced_before_it_is_killed(stage: _Stage) -> None:
    DRILLS["backend-killed"]().prepare(stage)

    assert any(said.startswith("delete pod api-1 api-2") for said in stage.said)


def test_memory_is_eaten_again_where_the_kernel_took_something_else(stage: _Stage) -> None:
    slow = replace(stage, meals=2)
    drill, facts = _broken(slow, "oom-killed")

    assert sum("python3 -c" in said for said in slow.said) == 2
    assert drill.restored(slow, facts)


@pytest.mark.parametrize(
    ("reason", "code", "counts"), [("OOMKilled", 137, "yes"), ("Error", 137, "yes"), ("Error", 143, "no")]
)
def test_a_kill_by_the_kernel_counts_also_where_containerd_lost_its_event(
    stage: _Stage, monkeypatch: pytest.MonkeyPatch, reason: str, code: int, counts: str
) -> None:
    drill, facts = _broken(stage, "oom-killed")
    (again,) = objects.pods([pod(restarts=facts["restarts"] + 1)])
    monkeypatch.setattr(_Stage, "pod", lambda *_: replace(again, ended=reason, code=code))

    assert drill.restored(stage, facts) == (counts == "yes")


def test_a_container_that_outlives_every_attempt_ends_the_drill_with_the_reason(stage: _Stage) -> None:
    with pytest.raises(
        UserError, match=r"api-1 still runs after 3 attempts(.|\n)*make drill DRILL=oom-killed"
    ):
        _broken(replace(stage, meals=100), "oom-killed")


def test_where_the_autoscaler_took_the_victim_the_others_must_be_as_many_as_are_wanted(
    stage: _Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    drill, facts = _broken(stage, "backend-killed")
    listed = {"deployments": [deployment(replicas=2)], "pods": [pod("api-2")]}
    monkeypatch.setattr(_Stage, "pod", lambda *_: None)
    monkeypatch.setattr(_Stage, "all", lambda _, kind, **__: listed[kind])
    assert not drill.restored(stage, facts)
    assert "api-1 is gone" in drill.stands(stage, facts)
    listed["deployments"] = [deployment(replicas=1)]

    assert drill.restored(stage, facts)


def test_where_it_was_not_restored_it_is_said_how_the_victim_stands(stage: _Stage) -> None:
    drill, facts = _broken(stage, "liveness-lost")

    assert drill.stands(stage, facts) == "api-1 is Ready, restarted 0 times, the last time for OOMKilled"


def test_a_restore_that_was_cut_off_is_made_by_the_next_run(
    stage: _Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def beside(*told: Any) -> tuple[None, dict[str, int]]:
        asked.append(told[2])
        return None, {"public.menu": 3}

    monkeypatch.setattr(restoring, "beside", beside)
    monkeypatch.setattr(_Stage, "sql", lambda _, said: [["t"]] if "to_regclass" in said else [["20:15"]])
    drill = DRILLS["table-dropped"]()
    assert not drill.restored(stage, {})
    drill.undo(stage, {})
    assert (asked, stage.said[-1]) == (["20:15"], "replaced public.menu")


def test_a_table_is_not_dropped_where_nothing_could_bring_it_back(tmp_path: Path) -> None:
    lacks = DRILLS["table-dropped"]().lacking(_stage(tmp_path))
    assert lacks
    assert "has no backups" in lacks.found


def test_a_lost_stack_is_begun_again_from_where_it_was_backed_up_to_and_backed_up_elsewhere(
    stage: _Stage,
) -> None:
    drill, facts = _broken(stage, "namespace-lost")

    assert stage.said[-3:] == _AGAIN
    database = stage.config()["feastflow:database"]
    assert database["restore"] == {"from": "s3://backups/dev", "at": "latest"}
    assert database["backup"]["destination"] == "s3://backups/dev-2"
    assert "say so in Pulumi.dev.yaml" in drill.left(stage, facts)


@pytest.mark.parametrize(
    ("now", "then"),
    [("s3://b/dev", "s3://b/dev-2"), ("s3://b/dev-2", "s3://b/dev-3"), ("s3://b/a-b", "s3://b/a-b-2")],
)
def test_each_loss_has_a_destination_of_its_own(now: str, then: str) -> None:
    assert lost.successor(now) == then


@pytest.mark.parametrize(
    ("phase", "deployed", "lacks", "done"),
    [
        ("Active", False, ["pods"], []),
        ("Active", True, [], []),
        ("Active", True, ["pods"], _AGAIN),
        ("", False, ["pods"], _AGAIN),
        ("Terminating", False, [], ["delete namespace shop --ignore-not-found ", *_AGAIN]),
    ],
)
def test_a_loss_that_was_cut_off_is_undone_from_where_it_was(
    stage: _Stage,
    monkeypatch: pytest.MonkeyPatch,
    phase: str,
    deployed: bool,  # noqa: FBT001 - a case
    lacks: list[str],
    done: list[str],
) -> None:
    monkeypatch.setattr(lost.NamespaceLost, "_phase", lambda *_: phase)
    monkeypatch.setattr(_Stage, "missing", lambda _: lacks)
    drill = DRILLS["namespace-lost"]()
    facts = drill.aim(stage)
    if deployed:
        monkeypatch.setattr(copied, "settings", lambda _: {"destination": facts["to"]})
    drill.undo(stage, facts)

    assert stage.said == done


def test_the_store_of_others_is_not_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("bucket-away", "log-full", "namespace-lost"):
        lacks = DRILLS[name]().lacking(_stage(tmp_path))
        assert lacks, name
        assert "has no backups" in lacks.found
        with monkeypatch.context() as patched:
            patched.setattr(copied, "settings", lambda _: {"endpoint": "https://s3.example.com"})
            lacks = DRILLS[name]().lacking(_stage(tmp_path))
        assert lacks, name
        assert "https://s3.example.com, which is not the local cluster's" in lacks.found
