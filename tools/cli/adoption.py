"""Takeover of a FeastFlow that kubectl or a GitOps tool applied, without recreating anything of it.

The provider applies: an object that is there under its name is changed in place. What cannot be changed in
place, or holds data that our server would not find, is looked for before anything is touched. Not a goal: to
take over objects of other names, or data of another layout; that data is moved instead.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.settings.values import majors
from tools.cli import adopted_pod, adopted_server, listing, running_server
from tools.cli.adopted_objects import HOLD_DATA, Live, Manifest, adopted, key, problems
from tools.cli.adopted_server import Seen, Wanted
from tools.cli.mismatch import Mismatch, Ways
from tools.stacks import workspace
from tools.stacks.target import Target
from tools.toolchain.errors import UserError

# The fields belong to the manager that applied them; from now on, to this program.
FORCE = {"PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}
_NAMESPACE = "feastflow:namespace"


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """A stack and the objects that it would take over.

    `owner` is the stack's identity, empty without a state. `wanted` is what it would apply, without Secrets.
    """

    stack: str
    owner: str
    config: Mapping[str, Any]
    kubectl: str
    wanted: Sequence[Manifest]

    @property
    def namespace(self) -> str:
        """Return the stack's namespace."""
        return str(self.config.get(_NAMESPACE, ""))

    @property
    def ways(self) -> Ways:
        """Return the words of the ways out."""
        kubectl = f"{self.kubectl} --namespace {self.namespace}"
        return Ways(kubectl=kubectl, file=f"Pulumi.{self.stack}.yaml")

    @property
    def server(self) -> Wanted | None:
        """Return the server that it would apply, None where an operator makes the servers."""
        server = next((each for each in self.wanted if each["kind"] == "StatefulSet"), None)
        if server is None:
            return None
        pod = server["spec"]["template"]["spec"]
        (claim,) = adopted_pod.claims(pod)
        container = adopted_pod.container(pod, claim) or {}
        version = workspace.section(self.config, "database").get("version")
        database, owner = _named(self.wanted)
        return Wanted(
            server=server,
            claim=claim,
            major=int(version or majors.tagged(str(container.get("image"))) or 0),
            database=database,
            owner=owner,
        )


def allowed(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment in which the program takes over the namespace and the fields of its objects."""
    # The SDK takes its time to load, and no other command needs it in this process.
    from components.guards import ownership  # noqa: PLC0415

    return {**FORCE, ownership.ADOPT: str(config.get(_NAMESPACE, ""))}


def planned(stack: str, config: Mapping[str, Any]) -> list[Manifest]:
    """Return what the stack would apply; without Secrets, whose names are not known before."""
    # The SDK takes its time to load, and no other command needs it in this process.
    from tools.render import program  # noqa: PLC0415

    objects = program.objects(stack, config)
    return [each.inputs for each in objects if each.kind != "Secret" and not each.is_patch]


def live(chosen: Target, wanted: Sequence[Manifest]) -> Live:
    """Return those that are there, by kind and name."""
    stream = listing.text(map(listing.reference, wanted))
    question = ("get", "--filename", "-", "--ignore-not-found", "--output", "json")
    text = chosen.client.output(*question, stdin=stream)
    found = json.loads(text) if text.strip() else {"items": []}
    return {key(each): each for each in found.get("items", [found])}


def look(chosen: Target, stack: str, owner: str, config: Mapping[str, Any]) -> tuple[Adoption, Live, Seen]:
    """Look at everything that would be taken over, the running server's data included.

    Raises:
        UserError: with every reason against it; nothing has been changed.
    """
    wanted = planned(stack, config)
    adoption = Adoption(stack=stack, owner=owner, config=config, kubectl=str(chosen.client), wanted=wanted)
    there = live(chosen, wanted)
    # Another stack's pods are not looked into.
    check_owner(adoption, there)
    server = adoption.server
    seen = Seen()
    if server and key(server.server) in there:
        place = chosen.client.within(adoption.namespace)
        seen = running_server.ask(place, there[key(server.server)], server.claim)
    check(adoption, there, seen)
    return adoption, there, seen


def check_owner(adoption: Adoption, there: Live) -> None:
    """Refuse what another stack owns, before its pods are asked anything and its Jobs are deleted.

    Raises:
        UserError: with the owner; nothing has been changed.
    """
    # The SDK takes its time to load, and no other command needs it in this process.
    from components.guards.cluster.live import OWNED, OWNER  # noqa: PLC0415

    # A namespace that was given is its giver's to annotate: there, the first object of every stack is.
    for kind, name in (("Namespace", adoption.namespace), ("NetworkPolicy", OWNED)):
        found = there.get((kind, name))
        owner = (found["metadata"].get("annotations") or {}).get(OWNER) if found else None
        if not owner or (adoption.owner and owner.endswith(f"/{adoption.owner}")):
            continue
        whose, _, state = owner.rpartition("/")
        raise UserError(
            f"the namespace {adoption.namespace} belongs to the stack {whose} (state {state})",
            "this stack would overwrite the other's objects, and destroying it would delete them with their "
            "data; nothing was changed",
            f"give the stack a namespace of its own: set {_NAMESPACE} in {adoption.ways.file}\n"
            "or, if that state is lost and cannot be restored: "
            f"{adoption.ways.kubectl} annotate {kind.lower()} {name} {OWNER}-, and make adopt",
        )


def check(adoption: Adoption, there: Live, seen: Seen) -> None:
    """Refuse what could not be taken over as it is.

    Raises:
        UserError: with every reason; nothing has been changed.
    """
    check_owner(adoption, there)
    wanted = adoption.wanted
    missing = [" ".join(key(each)) for each in wanted if each["kind"] in HOLD_DATA and key(each) not in there]
    if missing:
        raise UserError(
            f"there is nothing to adopt: no {', no '.join(missing)}",
            "what holds the data must be there under the names that the stack would give it",
            "for a FeastFlow of its own: make up\nfor data elsewhere, move it into a stack of its own: "
            "docs/operations.md, An existing FeastFlow",
        )
    found = list(_mismatches(adoption, there, seen))
    if found:
        raise UserError(
            "this FeastFlow cannot be adopted as it is\n" + "\n".join(each.found for each in found),
            "\n".join(dict.fromkeys(each.why for each in found)) + "\nnothing was changed",
            "\n".join(dict.fromkeys(each.next for each in found)),
        )


def told(adoption: Adoption, there: Live, seen: Seen) -> str:
    """Return what the stack will own: what is taken over, what is added, and what was not compared."""
    taken = [each for each in adoption.wanted if key(each) in there and not _is_run_again(each, there)]
    again = [each for each in adoption.wanted if _is_run_again(each, there)]
    added = [each for each in adoption.wanted if key(each) not in there]
    lines = [f"the stack {adoption.stack} will own, and make destroy will delete, in {adoption.namespace}:"]
    for what, which in (("taken over", taken), ("run again", again), ("added", added)):
        lines += [f"  {what:<12}{kind} {names}" for kind, names in _by_kind(which)]
    server = adoption.server
    if server:
        lines += [
            f"  not known   {each}" for each in adopted_server.notes(server, there[key(server.server)], seen)
        ]
    return "\n".join(lines)


def take_jobs(chosen: Target, wanted: Sequence[Manifest], there: Live) -> None:
    """Delete the Jobs that have ended: the same ones are run again, and no Job can be changed.

    Those that an adoption which was cut off has made are the stack's own, and stay.
    """
    for each in wanted:
        if _is_run_again(each, there):
            place = chosen.client.within(each["metadata"]["namespace"])
            place.output("delete", "job", each["metadata"]["name"], "--wait", timeout=120)


def _mismatches(adoption: Adoption, there: Live, seen: Seen) -> Iterator[Mismatch]:
    for each in adoption.wanted:
        if key(each) in there:
            yield from problems(each, there[key(each)], adoption.ways)
    if server := adoption.server:
        yield from adopted_server.mismatches(server, there[key(server.server)], seen, adoption.ways)


def _is_run_again(wanted: Manifest, there: Live) -> bool:
    return wanted["kind"] == "Job" and key(wanted) in there and not adopted(there[key(wanted)])


def _by_kind(objects: Sequence[Manifest]) -> list[tuple[str, str]]:
    kinds: dict[str, list[str]] = {}
    for kind, name in sorted(map(key, objects)):
        kinds.setdefault(kind, []).append(name)
    return [(kind, ", ".join(names)) for kind, names in kinds.items()]


def _named(wanted: Sequence[Manifest]) -> tuple[str, str]:
    """Return database and owner, as the server is told them, which creates them."""
    containers = (
        container
        for each in wanted
        if each["kind"] == "StatefulSet"
        for part in ("initContainers", "containers")
        for container in each["spec"]["template"]["spec"].get(part, ())
    )
    for container in containers:
        database, owner = (adopted_pod.variable(container, name) for name in ("DB_NAME", "DB_OWNER"))
        if database and owner:
            return database, owner
    raise AssertionError("the stack has a server of its own that is not told which database to create")
