"""Recordings of the programs of both stacks, for tests; each program runs once."""

import contextvars
import json
import re
import runpy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from pulumi.runtime import set_all_config

from components.settings.model.tenancy import Cluster
from components.settings.values import quantities
from components.workloads.context import Place
from tools.render import recording
from tools.render.recording import Recorded, Registered, encode, is_secret

from ..harness import localstack

__all__ = [
    "PLACE",
    "ROOT",
    "Peak",
    "Recording",
    "Registered",
    "encode",
    "record",
    "record_stack",
    "stack_file",
]

ROOT = Path(__file__).resolve().parents[2]
PLACE = Place(namespace="shop", instance="shop", environment="dev", cluster=Cluster(), protect=False)
_RECORDED: dict[str, "Recording"] = {}
_VERSION = re.compile(r"-([0-9a-f]{10}|[0-9]{1,3})$")


@dataclass(frozen=True, kw_only=True)
class Peak:
    """The most pods of one maker at once, and what each container of one of them may have."""

    maker: str
    pods: int
    containers: Sequence[Mapping[str, Mapping[str, str]]]

    def needed(self, kind: str, unit: str) -> Decimal:
        """Of all of its pods; init containers run before the others, never beside them."""
        return self.pods * max(quantities.parse(each[kind][unit]) for each in self.containers)


@dataclass(frozen=True, kw_only=True)
class Recording(Recorded):
    """Everything registered, after every registration has drained, with what tests ask of it."""

    def all(self, kind: str) -> list[Registered]:
        return [resource for resource in self.resources if resource.kind == kind]

    def one(self, kind: str, name: str) -> Registered:
        """Return the resource of the kind by its object's name, or by its own without the version."""
        found = [
            resource
            for resource in self.all(kind)
            if name in (resource.inputs.get("metadata", {}).get("name"), re.sub(_VERSION, "", resource.name))
        ]
        assert len(found) == 1, f"{kind} {name}: {[(r.name, r.kind) for r in found or self.resources]}"
        return found[0]

    def by_urn(self, urn: str) -> Registered:
        return next(resource for resource in self.resources if resource.urn == urn)

    def pods(self) -> dict[str, dict[str, Any]]:
        """Return the pod specs by `Kind/name`, of everything that creates pods."""
        found = {}
        for resource in self.resources:
            spec = resource.inputs.get("spec", {})
            spec = spec.get("jobTemplate", {}).get("spec", spec)
            if "template" in spec:
                found[f"{resource.kind}/{resource.object_name}"] = spec["template"]["spec"]
        return found

    def peaks(self) -> list[Peak]:
        """Every recorded pod's maker with as many pods as it may have at once."""
        scales = {
            each.inputs["spec"]["scaleTargetRef"]["name"]: each.inputs["spec"]["maxReplicas"]
            for each in self.all("HorizontalPodAutoscaler")
        }
        pods = self.pods()
        found = [
            Peak(maker=maker, pods=self._most(maker, scales), containers=_containers(pod))
            for maker, pod in pods.items()
        ]
        for cluster in self.all("Cluster"):
            spec = cluster.inputs["spec"]
            maker = f"Cluster/{cluster.object_name}"
            found.append(Peak(maker=maker, pods=spec["instances"] + 1, containers=[spec["resources"]]))
        return found

    def _most(self, maker: str, scales: Mapping[str, int]) -> int:
        kind, name = maker.split("/")
        spec = self.one(kind, name).inputs["spec"]
        replicas = scales.get(name, spec.get("replicas", 1))
        if kind != "Deployment":
            return int(replicas)
        # The new pods, the surge, and the old ones that still drain.
        surge = spec["strategy"].get("rollingUpdate", {}).get("maxSurge", 0)
        return 2 * int(replicas) + int(surge)


def _containers(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [each["resources"] for each in (*pod.get("initContainers", []), *pod["containers"])]


def record(program: Callable[[], object], last_update: Mapping[str, Any] | None = None) -> Recording:
    """Run the program against the recording engine and wait until all of it is registered.

    `last_update` are the stack's outputs of the update before.
    """
    found = recording.record(program, last_update or {}, "test")
    return Recording(
        resources=found.resources, exports=found.exports, component_outputs=found.component_outputs
    )


def record_stack(
    config: Mapping[str, object], last_update: Mapping[str, Any] | None = None, secret: Sequence[str] = ()
) -> Recording:
    """Run the whole program with a stack's configuration; equal ones are run once.

    `secret` are the keys that the engine has as secrets.
    No test has a kubeconfig (see conftest), so the program does not look for a cluster.
    """
    key = json.dumps([config, last_update, secret], sort_keys=True)
    if key not in _RECORDED:
        main = str(ROOT / "__main__.py")

        def run() -> Recording:
            set_all_config({name: encode(value) for name, value in config.items()}, list(secret))
            return record(lambda: runpy.run_path(main, run_name="__main__"), last_update)

        # A context of its own: a program that was refused leaves its failed outputs to the next one.
        _RECORDED[key] = contextvars.Context().run(run)
    return _RECORDED[key]


def stack_file(name: str) -> dict[str, object]:
    """The configuration of a stack's own file, with what the local cluster and the demo add."""
    return localstack.of(ROOT, name)


def secret_paths(raw: object, path: str = "") -> Iterator[str]:
    """Yield the paths of secrets in raw inputs."""
    if isinstance(raw, dict):
        if is_secret(raw):
            yield path
            return
        for key, value in raw.items():
            yield from secret_paths(value, f"{path}.{key}")
    elif isinstance(raw, list):
        for index, value in enumerate(raw):
            yield from secret_paths(value, f"{path}[{index}]")
