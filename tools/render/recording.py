"""An engine that records: what the program registers, without a cluster, plugins, state or secrets.

It stands on the SDK's own mocks. Nothing is created and nothing is generated: a password is a text that says
which one it stands for.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pulumi
from google.protobuf import json_format
from pulumi.runtime import mocks, resource
from pulumi.runtime.proto import source_pb2
from pulumi.runtime.settings import get_root_resource
from pulumi.runtime.stack import Stack

from components.guards import continuity
from components.settings.values import names
from tools.state import deployment

# How the text begins that stands for a generated password.
GENERATED = "generated "
# No state, no identity of one.
OWNER = "none"
_UUID = "random:index/randomUuid:RandomUuid"
_ID = "random:index/randomId:RandomId"
_PASSWORD = "random:index/randomPassword:RandomPassword"  # noqa: S105 - the name of a type


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
    timeouts: dict[str, str]

    @property
    def kind(self) -> str:
        """Return the last part of the type: for objects, Kubernetes' own `kind`."""
        return self.type.rsplit(":", 1)[-1]

    @property
    def is_patch(self) -> bool:
        """Return whether it changes an object that another resource has created."""
        return self.kind.endswith("Patch")

    @property
    def object_name(self) -> str:
        """Return the Kubernetes object's own name."""
        return str(self.inputs["metadata"]["name"])


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Everything registered, after every registration has drained."""

    resources: tuple[Registered, ...]
    exports: Mapping[str, Any]
    component_outputs: Mapping[str, dict[str, Any]]


class _Answers(mocks.Mocks):
    def __init__(self, last_update: Mapping[str, Any]) -> None:
        self.last_update = last_update

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        if args.token == continuity.LAST_UPDATE:
            return {**args.args, "outputs": dict(self.last_update)}, []
        raise AssertionError(f"the program calls no provider function, but called {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        state = dict(args.inputs)
        if args.typ == _PASSWORD:
            state["result"] = f"{GENERATED}{args.name}"
        if args.typ == _ID:
            state["hex"] = names.digest(state["keepers"])
        if args.typ == _UUID:
            state["result"] = OWNER
        return f"{args.name}-id", state


class _Monitor(mocks.MockMonitor):
    def __init__(self, answers: _Answers) -> None:
        super().__init__(answers)
        self.registered: list[Registered] = []
        self.outputs: dict[str, dict[str, Any]] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802, ANN401 - the engine's own
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
                timeouts=json_format.MessageToDict(request.customTimeouts),
            )
        )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802, ANN401 - the engine's own
        self.outputs[request.urn] = _plain(json_format.MessageToDict(request.outputs))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def record(program: Callable[[], object], last_update: Mapping[str, Any], stack: str) -> Recorded:
    """Run the program against the recording engine and wait until all of it is registered.

    `last_update` are the stack's outputs of the update before. What the program raises is raised here.
    """
    answers = _Answers(last_update)
    monitor = _Monitor(answers)
    exports: dict[str, Any] = {}
    with _event_loop(), _no_stack_traces():
        mocks.set_mocks(answers, project="feastflow", stack=stack, monitor=monitor)

        @pulumi.runtime.test  # type: ignore[untyped-decorator]
        def run() -> pulumi.Output[None]:
            program()
            root = get_root_resource()
            assert isinstance(root, Stack)  # noqa: S101 - set_mocks has just made it
            return pulumi.Output.all(**root.outputs).apply(exports.update)

        # Returns only when every registration has drained, so that absence can be asserted.
        run()
    return Recorded(resources=tuple(monitor.registered), exports=exports, component_outputs=monitor.outputs)


def is_secret(raw: object) -> bool:
    """Return whether a raw input is one that Pulumi keeps secret."""
    return isinstance(raw, dict) and deployment.is_secret(raw)


def encode(value: object) -> str:
    """Return a configuration value as the engine hands it over."""
    return value if isinstance(value, str) else json.dumps(value)


def _plain(raw: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    if is_secret(raw):
        return _plain(raw["value"])
    if isinstance(raw, dict):
        return {key: _plain(value) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_plain(value) for value in raw]
    # Struct numbers are doubles; everything in Kubernetes objects here is whole.
    return int(raw) if isinstance(raw, float) and raw.is_integer() else raw


@contextmanager
def _no_stack_traces() -> Iterator[None]:
    """Keep the SDK from tracing the line of each resource: a fifth of a recording, and read by nothing."""
    traced = resource._get_stack_trace  # noqa: SLF001 - it has no public switch
    resource._get_stack_trace = source_pb2.StackTrace  # noqa: SLF001 - as above
    try:
        yield
    finally:
        resource._get_stack_trace = traced  # noqa: SLF001 - as above


@contextmanager
def _event_loop() -> Iterator[None]:
    loop = asyncio.new_event_loop()
    answering: list[asyncio.AbstractEventLoop] = []

    def begin() -> None:
        # The SDK's mocks want a loop in each thread that answers. They would make one and leave it open, for
        # the garbage collector to find in the middle of something else.
        own = asyncio.new_event_loop()
        asyncio.set_event_loop(own)
        answering.append(own)

    threads = ThreadPoolExecutor(initializer=begin)
    loop.set_default_executor(threads)
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        threads.shutdown()
        for each in (*answering, loop):
            each.close()
