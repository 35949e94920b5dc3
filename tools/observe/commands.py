"""`make observe` and `make unobserve`: the parts on the local cluster, and their end."""

import binascii
import datetime as dt
import json
import time
from base64 import b64decode
from typing import Any

from tools.cluster.handle import Cluster
from tools.observe import images, rendering
from tools.observe.certificate import Certificate
from tools.observe.network import Addresses
from tools.observe.part import OTLP_ENDPOINT, Manifest, Part
from tools.observe.parts import PARTS
from tools.observe.rendering import CLUSTER_WIDE, MARK, MARKED, SELECTOR, Setting
from tools.stacks import scope
from tools.stacks.options import Options
from tools.toolchain import process, turn
from tools.toolchain.console import Step, elapsed, say
from tools.toolchain.errors import UserError
from tools.toolchain.kubectl import Kubectl

_SECONDS = 180
_DELETE_SECONDS = 300


def observe(options: Options) -> None:
    """Have metrics, logs, traces and alerts of the local cluster. Run again, it changes nothing."""
    started = time.monotonic()
    _must_be_local(options, "observe")
    with turn.cluster(options.cluster):
        cluster = _running(options)
        _must_be_own(cluster.client)
        with Step("images", "the programs of observability") as step:
            images.carry(cluster, step)
            step.result("metrics, logs, traces and alerts are on the nodes")
        wanted = rendering.manifests(
            Setting(
                images=images.named(),
                addresses=_addresses(cluster.client),
                certificates=_certificates(cluster.client),
                port=cluster.port,
            )
        )
        with Step("observe", "applying its objects") as step:
            _apply(cluster.client, wanted, step)
            _wait(cluster.client, step)
            step.result(f"{len(PARTS)} parts run")
    _tell(cluster.port, time.monotonic() - started)


def unobserve(options: Options) -> None:
    """Delete what `observe` made, and name it; nothing else is touched."""
    _must_be_local(options, "unobserve")
    with turn.cluster(options.cluster):
        cluster = _running(options)
        found = _made(cluster.client, CLUSTER_WIDE)
        for kind, name in found:
            say(f"deleting {kind}/{name}")
        if found:
            with Step("unobserve", "deleting its objects") as step:
                for kind in CLUSTER_WIDE:
                    step.note(kind)
                    _delete(cluster.client, kind)
                step.result(f"{len(found)} objects are deleted, and with the namespaces all that was in them")
        with Step("images", "deleting them from the nodes") as step:
            images.remove(cluster, step)
            step.result("the nodes have none of its images; the archives stay in the cache")
    if not found:
        say("there is nothing of `make observe` on this cluster")


def _must_be_local(options: Options, command: str) -> None:
    if options.context:
        raise UserError(
            f"CONTEXT={options.context} names a cluster of yours",
            "these parts are for the local cluster alone: their images are built on this machine, "
            "and what they store is kept for a week at the most",
            f"unset CONTEXT and run make {command} again; "
            "or have that cluster's own collectors observe the stack: docs/observability.md",
        )


def _running(options: Options) -> Cluster:
    chosen = scope.present(options)
    assert chosen.local is not None  # noqa: S101 - no context was named
    return chosen.local


def _must_be_own(client: Kubectl) -> None:
    """Refuse namespaces and APIs of these names that another made: they are not this command's."""
    for name in rendering.apis():
        text = client.output("get", "apiservice", name, "--ignore-not-found", "-o", "json")
        if text.strip() and json.loads(text)["metadata"].get("labels", {}).get(MARK) != MARKED:
            raise UserError(
                f"there is an APIService {name} that `make observe` did not make",
                "another adapter of metrics serves it, and the autoscalers would be given other figures",
                f"look: {client} get apiservice {name} -o yaml; then delete it, or go on with what is there",
            )
    for name in (each["metadata"]["name"] for each in rendering.namespaces()):
        text = client.output("get", "namespace", name, "--ignore-not-found", "-o", "json")
        if not text.strip():
            continue
        found = json.loads(text)["metadata"]
        if found.get("labels", {}).get(MARK) != MARKED:
            raise UserError(
                f"there is a namespace {name} that `make observe` did not make",
                "what is in it is another's, and would be mixed with what is made here",
                f"look: {client} get all -n {name}; then delete it, or go on with what is there",
            )
        if found.get("deletionTimestamp"):
            with Step("namespace", f"waiting for the end of {name}") as step:
                client.output(
                    "wait",
                    "--for=delete",
                    f"namespace/{name}",
                    f"--timeout={_SECONDS}s",
                    timeout=_SECONDS + 20,
                )
                step.result(f"an earlier {name} has ended")


def _addresses(client: Kubectl) -> Addresses:
    nodes: list[dict[str, Any]] = json.loads(client.output("get", "nodes", "-o", "json"))["items"]
    internal = [
        each["address"]
        for node in nodes
        for each in node["status"]["addresses"]
        if each["type"] == "InternalIP"
    ]
    question = ("get", "service", "kubernetes", "-n", "default", "-o", "jsonpath={.spec.clusterIP}")
    return Addresses(nodes=tuple(sorted(internal)), api=client.output(*question).strip())


def _certificates(client: Kubectl) -> dict[str, Certificate]:
    """Return the certificate of each part that serves an API: the one that it has, while that lasts."""
    now = dt.datetime.now(dt.UTC)
    found = {}
    for part in (part for part in PARTS if part.serves):
        known = _known(client, part)
        if known is None or not known.serves(part.host, now):
            known = Certificate.issue(part.host, now)
        found[part.name] = known
    return found


def _known(client: Kubectl, part: Part) -> Certificate | None:
    where = ("secret", part.name, "-n", part.namespace, "--ignore-not-found", "-o", "json")
    text = client.output("get", *where)
    if not text.strip():
        return None
    data = json.loads(text).get("data") or {}
    try:
        certificate, key = (b64decode(data[name]).decode() for name in ("tls.crt", "tls.key"))
    except (KeyError, binascii.Error, UnicodeDecodeError):
        return None
    return Certificate(certificate=certificate, key=key)


def _apply(client: Kubectl, wanted: list[Manifest], step: Step) -> None:
    """Apply what is wanted, and delete what an earlier version had applied besides."""
    text = rendering.stream(wanted)
    client.output("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text, timeout=120)
    step.note("looking for what an earlier version left")
    kept = {_key(each) for each in wanted}
    kinds = ",".join(rendering.kinds(wanted))
    listed = client.output("get", kinds, "--all-namespaces", "-l", SELECTOR, "-o", "json")
    for each in json.loads(listed)["items"]:
        if _key(each) not in kept:
            name, namespace = each["metadata"]["name"], each["metadata"].get("namespace")
            within = ["-n", namespace] if namespace else []
            client.output("delete", each["kind"].lower(), name, *within, "--ignore-not-found", timeout=120)


def _key(manifest: Manifest) -> tuple[str, str, str]:
    metadata = manifest["metadata"]
    return str(manifest["kind"]), str(metadata.get("namespace", "")), str(metadata["name"])


def _wait(client: Kubectl, step: Step) -> None:
    for part in PARTS:
        step.note(f"waiting for {part.name}")
        status = ("-n", part.namespace, "rollout", "status", part.workload, f"--timeout={_SECONDS}s")
        try:
            client.output(*status, timeout=_SECONDS + 20)
        except process.CommandError as failure:
            raise UserError(
                f"{part.name} of observability is not available: {failure.tail}",
                "the others run on without it; what it would show is missing",
                f"look: {client} get pods,events -n {part.namespace}; then run make observe again",
            ) from failure


def _made(client: Kubectl, kinds: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return what bears the mark, by kind and name."""
    template = '{range .items[*]}{.metadata.name}{"\\n"}{end}'
    return [
        (kind, name)
        for kind in kinds
        for name in client.output("get", kind, "-l", SELECTOR, "-o", f"jsonpath={template}").split()
    ]


def _delete(client: Kubectl, kind: str) -> None:
    try:
        client.output(
            "delete",
            kind,
            "-l",
            SELECTOR,
            "--ignore-not-found",
            f"--timeout={_DELETE_SECONDS}s",
            timeout=_DELETE_SECONDS + 20,
        )
    except process.CommandError as failure:
        raise UserError(
            f"{kind} of observability could not be deleted: {failure.tail}",
            "something in them does not end",
            f"look: {client} get all -n observability; then run make unobserve again",
        ) from failure


def _tell(port: int, seconds: float) -> None:
    pages = "\n".join(f"  {name:<11} {url}" for name, url in rendering.addresses(port).items())
    say(
        f"\nobserved, after {elapsed(seconds)}:\n\n{pages}\n\n"
        f"  spans go to {rendering.intake(port)} (from pods: {OTLP_ENDPOINT})\n"
        f"  stop        make unobserve"
    )
