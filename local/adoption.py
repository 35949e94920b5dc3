"""Taking over a FeastFlow that kubectl or a GitOps tool applied, without making anything of it anew.

The provider applies: an object that is there under its name is changed in place. What cannot be changed in
place, or holds data that our server would not find, is looked for before anything is touched. Not a goal: to
take over objects of other names, or data of another layout; that data is moved instead.
"""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components import quantities
from local.target import Target
from toolchain import process
from toolchain.refusal import Refusal

Manifest = dict[str, Any]
Live = Mapping[tuple[str, str], Manifest]

# The fields belong to whoever applied them; from now on, to this program.
FORCE = {"PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}
_MOVE = "move the data into a stack of its own instead: docs/operations.md, An existing FeastFlow"
# What the API server lets nobody change; compared where the program sets it.
_FIXED = {
    "Deployment": ("spec.selector",),
    "PersistentVolumeClaim": ("spec.accessModes", "spec.storageClassName"),
    "PriorityClass": ("value",),
    "RoleBinding": ("roleRef",),
    "Service": ("spec.clusterIP",),
    "StatefulSet": ("spec.selector", "spec.serviceName", "spec.podManagementPolicy"),
}
# What only grows.
_SIZES = {"PersistentVolumeClaim": "spec.resources.requests.storage", "Cluster": "spec.storage.size"}
_HOLD_DATA = ("Namespace", "PersistentVolumeClaim", "Cluster")
_DATA = ("the server's user", "PGDATA", "the volume's claim")
_CLAIM = "persistentVolumeClaim"


def allowed(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment in which the program takes over the namespace and the fields of its objects."""
    # The SDK takes its time to load, and no other command needs it in this process.
    from components import ownership  # noqa: PLC0415

    return {**FORCE, ownership.ADOPT: str(config.get("feastflow:namespace", ""))}


def planned(stack: str, config: Mapping[str, Any]) -> list[Manifest]:
    """What the stack would apply; without Secrets, whose names nobody knows before."""
    # The SDK takes its time to load, and no other command needs it in this process.
    from render import program  # noqa: PLC0415

    objects = program.objects(stack, config)
    return [each.inputs for each in objects if each.kind != "Secret" and not each.is_patch]


def live(chosen: Target, wanted: Sequence[Manifest]) -> Live:
    """Those that are there, by kind and name."""
    asked = [
        {
            "apiVersion": each["apiVersion"],
            "kind": each["kind"],
            "metadata": {
                key: each["metadata"][key] for key in ("name", "namespace") if key in each["metadata"]
            },
        }
        for each in wanted
    ]
    stream = json.dumps({"apiVersion": "v1", "kind": "List", "items": asked})
    command = [*shlex.split(chosen.kubectl_command()), "get", "--filename", "-", "--ignore-not-found"]
    text = process.output([*command, "--output", "json"], stdin=stream)
    found = json.loads(text) if text.strip() else {"items": []}
    return {_key(each): each for each in found.get("items", [found])}


def check(wanted: Sequence[Manifest], there: Live) -> None:
    """Refuse what could not be taken over as it is.

    Raises:
        Refusal: with every reason; nothing has been changed.
    """
    missing = [
        " ".join(_key(each)) for each in wanted if each["kind"] in _HOLD_DATA and _key(each) not in there
    ]
    if missing:
        raise Refusal(
            f"there is nothing to adopt: no {', no '.join(missing)}",
            "what holds the data must be there under the names that the stack would give it",
            "for a FeastFlow of its own: make up. For data elsewhere, " + _MOVE,
        )
    problems = [
        problem for each in wanted if _key(each) in there for problem in _problems(each, there[_key(each)])
    ]
    if problems:
        raise Refusal(
            "this FeastFlow cannot be adopted as it is\n" + "\n".join(problems),
            "its objects would have to be made anew, or its data would not be found; nothing was changed",
            _MOVE,
        )


def take_jobs(chosen: Target, wanted: Sequence[Manifest], there: Live) -> None:
    """Delete the Jobs that have ended: the same ones are run again, and no Job can be changed.

    Those that an adoption which was cut off has made are the stack's own, and stay.
    """
    for each in wanted:
        if each["kind"] == "Job" and _key(each) in there and not _adopted(there[_key(each)]):
            place = ["--namespace", each["metadata"]["namespace"]]
            command = [*shlex.split(chosen.kubectl_command()), *place, "delete", "job"]
            process.output([*command, each["metadata"]["name"], "--wait"])


def _problems(wanted: Manifest, there: Manifest) -> Iterator[str]:
    who = " ".join(_key(wanted))
    for path in _FIXED.get(wanted["kind"], ()):
        want, found = _at(wanted, path), _at(there, path)
        if want is not None and want != found:
            yield f"{who}: {path} is {json.dumps(found)} and would have to be {json.dumps(want)}"
    if size := _SIZES.get(wanted["kind"]):
        want, found = _at(wanted, size), _at(there, size)
        if want and found and quantities.parse(found) > quantities.parse(want):
            yield f"{who}: {size} is {found} and would have to shrink to {want}"
    if wanted["kind"] == "StatefulSet":
        if _at(there, "spec.volumeClaimTemplates"):
            yield f"{who}: its volumes come from spec.volumeClaimTemplates and not from a claim of its own"
        for what, want, found in zip(_DATA, _data(wanted), _data(there), strict=True):
            if want != found:
                yield f"{who}: {what} is {json.dumps(found)} and would be {json.dumps(want)}"
    if wanted["kind"] == "Job" and not _ended(there) and not _adopted(there):
        yield f"{who} has not ended"


def _data(server: Manifest) -> tuple[object, object, object]:
    """What finds the data of a server: its user, its directory, its claim."""
    pod = server["spec"]["template"]["spec"]
    (container, *_) = pod["containers"]
    directories = [each.get("value") for each in container.get("env", []) if each["name"] == "PGDATA"]
    claims = [each[_CLAIM]["claimName"] for each in pod.get("volumes", []) if _CLAIM in each]
    user = (pod.get("securityContext") or {}).get("runAsUser")
    return user, directories[0] if directories else None, claims


def _ended(job: Manifest) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or []
    return any(each["type"] in ("Complete", "Failed") and each["status"] == "True" for each in conditions)


def _adopted(job: Manifest) -> bool:
    return (job["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") == "pulumi"


def _at(thing: Any, path: str) -> Any:  # noqa: ANN401 - JSON of any shape
    for key in path.split("."):
        thing = (thing or {}).get(key)
    return thing


def _key(thing: Mapping[str, Any]) -> tuple[str, str]:
    return str(thing["kind"]), str(thing["metadata"]["name"])
