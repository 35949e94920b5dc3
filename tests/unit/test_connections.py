"""Connections to PostgreSQL: what the tiers may open, what the server accepts, and its memory for them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.settings.derived import connections, variants
from components.settings.model.stack import Stack

from .recorder import Recording, record_stack, stack_file
from .test_settings import parse, refusal

NEXT = {"image": "feastflow/next:2.0.0"}
RELEASES: tuple[dict[str, Any], ...] = (
    {},
    {"strategy": "blue-green", "green": NEXT},
    {"strategy": "blue-green", "green": NEXT, "active": "green"},
    {"strategy": "canary", "canary": {**NEXT, "weight": 20}},
)
GATEWAY = {"mode": "gateway", "host": "shop.example.com"}


def peak(stack: Stack) -> int:
    return connections.peak(stack.backend, stack.database, weights=stack.edge.weights)


def roomy(**database: object) -> dict[str, object]:
    return {"resources": {"limits": {"memory": "4Gi"}}, **database}


def test_every_pod_of_a_rollout_at_full_scale_has_its_pool_and_a_connection_for_readiness() -> None:
    stack = parse(backend={"poolSize": 8, "autoscaling": {"maxReplicas": 8}}, database=roomy())
    pools = (2 * 8 + 1) * (8 + 1)
    migration, role_jobs, superuser = 8 + 1, 2, 3
    assert peak(stack) == pools + migration + role_jobs + superuser
    assert stack.connections >= peak(stack)


@pytest.mark.parametrize("edge", [{}, {"edge": GATEWAY}])
@pytest.mark.parametrize("release", RELEASES)
def test_a_release_under_any_strategy_leaves_the_server_as_it_is(
    release: dict[str, Any], edge: dict[str, Any]
) -> None:
    stack = parse(backend={"release": release}, **edge)
    assert stack.connections == parse(**edge).connections
    assert peak(stack) <= stack.connections


@given(
    most=st.integers(2, 100),
    pool=st.integers(1, 50),
    engine=st.sampled_from(["standalone", "replicated"]),
    release=st.sampled_from(RELEASES[:3]),
)
def test_the_server_accepts_what_the_tiers_may_open_at_any_scale(
    most: int, pool: int, engine: str, release: dict[str, Any]
) -> None:
    instances = 3 if engine == "replicated" else 1
    stack = parse(
        backend={
            "poolSize": pool,
            "autoscaling": {"minReplicas": 1, "maxReplicas": most},
            "release": release,
        },
        database={"engine": engine, "instances": instances, "resources": {"limits": {"memory": "256Gi"}}},
    )
    pods = variants.peak_pods(variants.plan(stack.backend, weights=False))
    assert pods * (pool + 1) + 3 < peak(stack) <= stack.connections


def test_the_operator_of_the_replicated_engine_has_connections_of_its_own() -> None:
    replicated = parse(database={"engine": "replicated", "instances": 3})
    assert peak(replicated) == peak(parse()) + 5


def test_the_application_and_the_server_are_told_the_same_numbers() -> None:
    def told(**backend: Any) -> tuple[str, str]:
        recording = record_stack({**stack_file("dev"), "feastflow:backend": backend})
        return _pool(recording), _accepted(recording)

    assert told() == ("3", "160")
    assert told(poolSize=2, autoscaling={"maxReplicas": 12}) == ("2", "160")
    assert told(poolSize=4) == ("4", "180")


def _pool(recording: Recording) -> str:
    return str(recording.one("ConfigMap", "backend-config").inputs["data"]["DB_POOL_MAX"])


def _accepted(recording: Recording) -> str:
    command = recording.pods()["StatefulSet/postgres"]["containers"][0]["command"]
    (found,) = (word for word in command if str(word).startswith("max_connections="))
    return str(found).partition("=")[2]


def test_both_engines_are_told_the_number_that_the_settings_name(prod: Recording) -> None:
    parameters = prod.one("Cluster", "postgres").inputs["spec"]["postgresql"]["parameters"]
    assert parameters["max_connections"] == "160"
    assert parse(database={"maxConnections": 200}).connections == 200


def test_too_few_connections_are_refused_with_the_numbers_that_fit() -> None:
    message = refusal(backend={"poolSize": 8}, database=roomy(maxConnections=120))
    assert "feastflow:database.maxConnections\n  found: 120\n" in message
    assert "17 pods of the backend with 9 connections each, and Jobs, need 167" in message
    assert "backend.poolSize 5 would fit" in message
    assert "next:  pulumi config set --path feastflow:database.maxConnections 167" in message
    assert parse(backend={"poolSize": 8}, database=roomy(maxConnections=167)).connections == 167
    assert parse(backend={"poolSize": 5}, database=roomy(maxConnections=120)).connections == 120


def test_a_scale_that_no_pool_fits_is_told_so() -> None:
    message = refusal(backend={"autoscaling": {"maxReplicas": 40}}, database=roomy(maxConnections=120))
    assert "81 pods of the backend with 4 connections each" in message
    assert "lower backend.autoscaling.maxReplicas to fit" in message


@pytest.mark.parametrize(
    ("backend", "needed", "memory"),
    [
        ({"autoscaling": {"maxReplicas": 40}}, 333, "1088Mi"),
        ({"poolSize": 9}, 185, "640Mi"),
        ({"release": RELEASES[1], "autoscaling": {"maxReplicas": 12}}, 209, "704Mi"),
    ],
)
def test_connections_that_the_servers_memory_does_not_hold_are_refused_with_the_memory_that_does(
    backend: dict[str, Any], needed: int, memory: str
) -> None:
    message = refusal(backend=backend)
    assert f"need {needed}; with these the server would be killed for memory" in message
    assert f"next:  pulumi config set --path feastflow:database.resources.limits.memory {memory}" in message
    stack = parse(backend=backend, database={"resources": {"limits": {"memory": memory}}})
    mebibytes = connections.memory(stack.database)
    assert connections.shared_buffers(mebibytes) + 2.25 * needed < mebibytes


def test_the_defaults_hold_the_connections_of_two_versions() -> None:
    for instances, engine in ((1, "standalone"), (3, "replicated")):
        stack = parse(backend={"release": RELEASES[1]}, database={"engine": engine, "instances": instances})
        assert peak(stack) <= stack.connections == 160
