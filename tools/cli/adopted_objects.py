"""Comparison of objects that are there with those that would be applied over them, one at a time.

What is being deleted, what cannot be changed in place, what would have to shrink. Pure: it asks nothing.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from components.settings.values import majors, quantities
from tools.cli.mismatch import Mismatch, Ways

Manifest = dict[str, Any]
Live = Mapping[tuple[str, str], Manifest]

# What holds data, and so must be there to be adopted.
HOLD_DATA = ("Namespace", "PersistentVolumeClaim", "StatefulSet", "Cluster")
# Fields that the API server does not let change; compared where the program sets them.
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
_ANEW = "it cannot be changed in place"
_DOCUMENTED = "move the data into a stack of its own: docs/operations.md, An existing FeastFlow"
_RETAIN = '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'
# Defaults of CloudNativePG: https://cloudnative-pg.io/documentation/1.28/bootstrap/
_CLUSTERS_DATABASE = "app"
_CLUSTERS_UID = 26


def key(thing: Mapping[str, Any]) -> tuple[str, str]:
    """Return an object's kind and name."""
    return str(thing["kind"]), str(thing["metadata"]["name"])


def at(thing: Any, path: str) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return what is below a path of names with dots between them, None where there is nothing."""
    for name in path.split("."):
        thing = (thing or {}).get(name)
    return thing


def problems(wanted: Manifest, there: Manifest, ways: Ways) -> Iterator[Mismatch]:
    """Return why an object could not be taken over as it is."""
    who = " ".join(key(wanted))
    yield from _being_deleted(who, there, ways)
    for path in _FIXED.get(wanted["kind"], ()):
        want, found = at(wanted, path), at(there, path)
        if want is not None and want != found:
            told = f"{who}: {path} is {json.dumps(found)} and would have to be {json.dumps(want)}"
            yield Mismatch(told, _ANEW, _renewed(wanted, path, found, ways))
    if size := _SIZES.get(wanted["kind"]):
        want, found = at(wanted, size), at(there, size)
        if want and found and quantities.parse(found) > quantities.parse(want):
            told = f"{who}: {size} is {found} and would have to shrink to {want}"
            yield Mismatch(told, "a volume only grows", ways.set("database.storage", found))
    if wanted["kind"] == "PersistentVolumeClaim":
        yield from _claim(who, there, ways)
    if wanted["kind"] == "Cluster":
        yield from _cluster(who, wanted, there, ways)
    if wanted["kind"] == "Job" and not ended(there) and not adopted(there):
        wait = f"{ways.kubectl} wait --for=condition=Complete job/{there['metadata']['name']} --timeout=10m"
        yield Mismatch(f"{who} has not ended", "it is run again, and two at once disturb each other", wait)


def ended(job: Manifest) -> bool:
    """Return whether a Job has succeeded or failed."""
    conditions = (job.get("status") or {}).get("conditions") or []
    return any(each["type"] in ("Complete", "Failed") and each["status"] == "True" for each in conditions)


def adopted(job: Manifest) -> bool:
    """Return whether a Job is one that an adoption which was cut off has made."""
    return (job["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") == "pulumi"


def _being_deleted(who: str, there: Manifest, ways: Ways) -> Iterator[Mismatch]:
    kind, name = key(there)
    if kind not in HOLD_DATA or not there["metadata"].get("deletionTimestamp"):
        return
    volume = at(there, "spec.volumeName") if kind == "PersistentVolumeClaim" else None
    if volume:
        keep = f"{ways.kubectl} patch persistentvolume {volume} --patch '{_RETAIN}'"
        fix = f"keep its volume: {keep}\n{_DOCUMENTED}"
    else:
        waiting = f"{ways.kubectl} wait --for=delete {kind.lower()}/{name} --timeout=5m"
        fix = f"{waiting}, and make up: its data is lost"
        if kind == "Namespace":
            fix = f"while pods still run, {_DOCUMENTED}\nor {fix}"
    yield Mismatch(f"{who} is being deleted", "what is adopted in it would be deleted with it", fix)


def _claim(who: str, there: Manifest, ways: Ways) -> Iterator[Mismatch]:
    phase = at(there, "status.phase")
    if phase == "Bound":
        return
    name = there["metadata"]["name"]
    told = f'{who}: its phase is {json.dumps(phase)} and would have to be "Bound"'
    if phase == "Lost":
        volume = at(there, "spec.volumeName")
        fix = f"restore the volume {volume}, or a backup into a stack of its own: make up"
        yield Mismatch(told, "its volume is gone, and the data with it", fix)
    else:
        fix = f"see why: {ways.kubectl} describe persistentvolumeclaim {name}"
        yield Mismatch(told, "without a volume there is no data to adopt", fix)


def _cluster(who: str, wanted: Manifest, there: Manifest, ways: Ways) -> Iterator[Mismatch]:
    want, found = majors.tagged(str(at(wanted, "spec.imageName"))), _clusters_major(there)
    if found != want:
        told = f"{who}: the major version of PostgreSQL is {json.dumps(found)} and would be {want}"
        known = ways.set("database.image", f"an image of PostgreSQL {found}")
        unknown = (
            f"name its image in spec.imageName: {ways.kubectl} edit clusters.postgresql.cnpg.io postgres"
        )
        why = "a server does not start on the files of another major version"
        yield Mismatch(told, why, known if found else unknown)
    bootstrap: dict[str, Any] = at(there, "spec.bootstrap") or {}
    method: dict[str, Any] = next((each for each in bootstrap.values() if each), {})
    database = method.get("database") or _CLUSTERS_DATABASE
    have = {"name": database, "user": method.get("owner") or database}
    ours = {
        "name": at(wanted, "spec.bootstrap.initdb.database"),
        "user": at(wanted, "spec.bootstrap.initdb.owner"),
    }
    for setting, told in (("name", "database"), ("user", "database's owner")):
        if have[setting] != ours[setting]:
            yield Mismatch(
                f"{who}: the {told} is {have[setting]} and would be {ours[setting]}",
                "the application would be given an empty database, or one that it may not use",
                ways.set(f"database.{setting}", have[setting]),
            )
    uid, our_uid = at(there, "spec.postgresUID") or _CLUSTERS_UID, at(wanted, "spec.postgresUID")
    if uid != (our_uid or _CLUSTERS_UID):
        told = f"{who}: the server's user is {uid} and would be {our_uid}"
        yield Mismatch(told, "the files on its volumes belong to that user", ways.set("database.uid", uid))


def _clusters_major(there: Manifest) -> int | None:
    """Return the major version that the operator found in the data, or else that its image names."""
    known = at(there, "status.pgDataImageInfo.majorVersion") or at(there, "spec.imageCatalogRef.major")
    image = at(there, "spec.imageName") or at(there, "status.image") or ""
    return int(known) if known else majors.tagged(str(image))


def _renewed(wanted: Manifest, path: str, found: object, ways: Ways) -> str:
    """Return how an object gets a field that cannot be changed; data is moved, nothing else holds any."""
    kind, name = key(wanted)
    if path == "spec.storageClassName":
        return ways.set("database.storageClass", found)
    if kind == "PersistentVolumeClaim":
        return _DOCUMENTED
    if kind == "StatefulSet":
        return (
            f"{ways.kubectl} get statefulset {name} --output yaml > {name}.yaml, change {path} in it, and\n"
            f"{ways.kubectl} replace --force --filename {name}.yaml: its claim and the data stay"
        )
    return f"{ways.kubectl} delete {kind.lower()} {name}, and make adopt: it is recreated, and holds no data"
