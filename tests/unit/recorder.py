"""A recording engine: keeps what the program registers, with the options that plain mocks do not show."""

import asyncio
import contextvars
import json
import re
import runpy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import yaml
from google.protobuf import json_format
from pulumi.runtime import mocks, set_all_config
from pulumi.runtime.settings import get_root_resource
from pulumi.runtime.stack import Stack

from components.context import Place
from components.model.tenancy import Cluster

ROOT = Path(__file__).resolve().parents[2]
PLACE = Place(namespace="shop", instance="shop", environment="dev", cluster=Cluster(), protect=False)
_RECORDED: dict[str, "Recording"] = {}
_VERSION = re.compile(r"-([0-9a-f]{10}|[0-9]{1,3})$")
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"


@dataclass(frozen=True, kw_only=True)
class Registered:
    """One resource as it was registered. `raw` still shows which inputs are secret."""

    type: str
    name: str
    urn: str
    parent: str
    inputs: dict[str, Any]
    raw: dict[str, Any]
    protect: bool
    dependencies: tuple[str, ...]
    ignore_changes: tuple[str, ...]
    aliases: tuple[str, ...]
    provider: str

    @property
    def kind(self) -> str:
        return self.type.rsplit(":", 1)[-1]

    @property
    def object_name(self) -> str:
        return str(self.inputs["metadata"]["name"])


class _Answers(mocks.Mocks):
    def __init__(self, last_update: Mapping[str, Any]) -> None:
        self.last_update = last_update

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"the program calls no provider function, but called {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.typ == "pulumi:pulumi:StackReference":
            return args.name, {**args.inputs, "outputs": dict(self.last_update)}
        state = dict(args.inputs)
        if args.typ == "random:index/randomPassword:RandomPassword":
            state["result"] = f"generated {args.name}"
        return f"{args.name}-id", state


class _Monitor(mocks.MockMonitor):
    def __init__(self, answers: _Answers) -> None:
        super().__init__(answers)
        self.registered: list[Registered] = []
        self.outputs: dict[str, dict[str, Any]] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the engine's own name
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        raw = json_format.MessageToDict(request.object)
        self.registered.append(
            Registered(
                type=request.type,
                name=request.name,
                urn=response.urn,
                parent=request.parent,
                inputs=_plain(raw),
                raw=raw,
                protect=request.protect,
                dependencies=tuple(request.dependencies),
                ignore_changes=tuple(request.ignoreChanges),
                aliases=tuple(alias.spec.name or alias.urn for alias in request.aliases),
                provider=request.provider or dict(request.providers).get("kubernetes", ""),
            )
        )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the engine's own name
        self.outputs[request.urn] = _plain(json_format.MessageToDict(request.outputs))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Everything registered, after every registration has drained."""

    resources: tuple[Registered, ...]
    exports: Mapping[str, Any]
    component_outputs: Mapping[str, dict[str, Any]]

    def all(self, kind: str) -> list[Registered]:
        return [resource for resource in self.resources if resource.kind == kind]

    def one(self, kind: str, name: str) -> Registered:
        """The resource of the kind by its object's name, or by its own without the version."""
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
        """Pod specs by `Kind/name`, of everything that makes pods."""
        return {
            f"{resource.kind}/{resource.object_name}": resource.inputs["spec"]["template"]["spec"]
            for resource in self.resources
            if "template" in resource.inputs.get("spec", {})
        }


def record(program: Callable[[], object], last_update: Mapping[str, Any] | None = None) -> Recording:
    """Run the program against the recording engine and wait until all of it is registered.

    `last_update` are the stack's outputs of the update before.
    """
    answers = _Answers(last_update or {})
    monitor = _Monitor(answers)
    exports: dict[str, Any] = {}
    with _event_loop():
        mocks.set_mocks(answers, project="feastflow", stack="test", monitor=monitor)

        @pulumi.runtime.test  # type: ignore[untyped-decorator]
        def run() -> pulumi.Output[None]:
            program()
            stack = get_root_resource()
            assert isinstance(stack, Stack)
            return pulumi.Output.all(**stack.outputs).apply(exports.update)

        # Returns only when every registration has drained, so that absence can be asserted.
        run()
    return Recording(resources=tuple(monitor.registered), exports=exports, component_outputs=monitor.outputs)


def record_stack(config: Mapping[str, object], last_update: Mapping[str, Any] | None = None) -> Recording:
    """Run the whole program with a stack's configuration; equal ones are run once.

    No test has a kubeconfig (see conftest), so the program does not look for a cluster.
    """
    key = json.dumps([config, last_update], sort_keys=True)
    if key not in _RECORDED:
        main = str(ROOT / "__main__.py")

        def run() -> Recording:
            set_all_config({name: encode(value) for name, value in config.items()})
            return record(lambda: runpy.run_path(main, run_name="__main__"), last_update)

        # A context of its own: a program that was refused leaves its failed outputs to whoever runs next.
        _RECORDED[key] = contextvars.Context().run(run)
    return _RECORDED[key]


def stack_file(name: str) -> dict[str, object]:
    """The configuration in a stack's own file."""
    content = yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text(encoding="utf-8"))
    return dict(content["config"])


def encode(value: object) -> str:
    """A configuration value as the engine hands it over."""
    return value if isinstance(value, str) else json.dumps(value)


def secret_paths(raw: object, path: str = "") -> Iterator[str]:
    """Where in raw inputs secrets are."""
    if isinstance(raw, dict):
        if raw.get("4dabf18193072939515e22adb298388d") == SECRET_SIGNATURE:
            yield path
            return
        for key, value in raw.items():
            yield from secret_paths(value, f"{path}.{key}")
    elif isinstance(raw, list):
        for index, value in enumerate(raw):
            yield from secret_paths(value, f"{path}[{index}]")


def _plain(raw: Any) -> Any:
    if isinstance(raw, dict):
        if raw.get("4dabf18193072939515e22adb298388d") == SECRET_SIGNATURE:
            return _plain(raw["value"])
        return {key: _plain(value) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_plain(value) for value in raw]
    # Struct numbers are doubles; everything in Kubernetes objects here is whole.
    return int(raw) if isinstance(raw, float) and raw.is_integer() else raw


@contextmanager
def _event_loop() -> Iterator[None]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()
