"""Comparison of a PostgreSQL server that is there with the one that the stack would put in its place.

The new server takes the claim over. It finds the data only in the same directory of the volume, reads only
files of its own major version and user, and creates an empty database where there is none of its name. What
the running server says of itself counts before what its manifest says. Pure: it asks nothing.
"""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from components.settings.values import majors
from tools.cli import adopted_pod
from tools.cli.adopted_pod import Manifest
from tools.cli.mismatch import SUPERUSER, Mismatch, Ways

_FILES = "its server would begin with an empty data directory, or not start on the files of this one"
_NAMES = "the application would be given an empty database, or one that it may not use"
_UNREAD = "files of one major version cannot be read by another, and nothing tells which one these are of"
_UPGRADE = "upgrade it first: https://www.postgresql.org/docs/current/upgrading.html"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The server that the stack would apply. `owner` is the role that owns the database."""

    server: Manifest
    claim: str
    major: int
    database: str
    owner: str


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A running server as it describes itself, empty or None where it does not.

    `directory` is where its files are in the container, `uid` is their user, `databases` are owners by name,
    `superusers` are roles, `links` are directories of its data that are symbolic links, `others` are pods
    besides it that use the claim. `pod` is the spec of its pod, which may be older than its StatefulSet's.
    `unseen` says why it was not asked.
    """

    unseen: str = ""
    directory: str = ""
    major: int | None = None
    uid: int | None = None
    databases: Mapping[str, str] | None = None
    superusers: Sequence[str] = ()
    links: Sequence[str] = ()
    others: Sequence[Manifest] = ()
    pod: Manifest | None = None


@dataclass(frozen=True, kw_only=True)
class _Found:
    """The server that is there: its pod, and the container of it that mounts the claim."""

    name: str
    replicas: int
    pod: Manifest
    container: Manifest
    seen: Seen
    ways: Ways

    def mismatch(self, what: str, why: str, fix: str) -> Mismatch:
        return Mismatch(f"StatefulSet {self.name}: {what}", why, fix)

    def inside(self, command: str) -> str:
        """Return a command that is run in the server's container."""
        return self.ways.inside(f"{self.name}-0", self.container["name"], command)

    def move(self, database: str) -> str:
        mine = [name for name in self.seen.databases or {} if name != SUPERUSER]
        chosen = mine[0] if mine and database not in mine else database
        return self.ways.move(f"{self.name}-0", self.container["name"], chosen)


def mismatches(wanted: Wanted, server: Manifest, seen: Seen, ways: Ways) -> Iterator[Mismatch]:
    """Return the reasons why the wanted server would not find what this one has."""
    template = server["spec"]["template"]["spec"]
    if seen.pod and not seen.unseen:
        yield from _mismatches(wanted, server, seen.pod, seen, ways)
        return
    # Either may be where the data is: the pod that could not be asked, or one that is started from now on.
    found = [
        each for pod in (template, seen.pod) if pod for each in _mismatches(wanted, server, pod, seen, ways)
    ]
    yield from dict.fromkeys(found)


def notes(wanted: Wanted, server: Manifest, seen: Seen) -> list[str]:
    """Return what of a server without mismatches was not compared with the data itself."""
    container = adopted_pod.container(server["spec"]["template"]["spec"], wanted.claim)
    found = []
    if seen.unseen:
        tag = f"PostgreSQL {wanted.major} is what the image's tag says"
        found.append(f"the volume was not read, since {seen.unseen}; {tag}")
    if seen.databases is None and not (container and adopted_pod.declared(container)):
        named = f"{wanted.database} of {wanted.owner}"
        found.append(f"databases were not compared; where {named} is missing, it is created empty")
    return found


def _mismatches(
    wanted: Wanted, server: Manifest, pod: Manifest, seen: Seen, ways: Ways
) -> Iterator[Mismatch]:
    container = adopted_pod.container(pod, wanted.claim)
    found = _Found(
        name=server["metadata"]["name"],
        replicas=server["spec"].get("replicas", 1),
        pod=pod,
        container=container or pod["containers"][0],
        seen=seen,
        ways=ways,
    )
    yield from _others(wanted, found)
    claims = adopted_pod.claims(pod)
    problem = ""
    if server["spec"].get("volumeClaimTemplates"):
        problem = "its volumes come from spec.volumeClaimTemplates and not from a claim of its own"
    elif claims != [wanted.claim]:
        problem = f"the volume's claim is {json.dumps(claims)} and would be {json.dumps([wanted.claim])}"
    elif container is None:
        problem = f"no container of it, or more than one with a PGDATA, mounts the claim {wanted.claim}"
    if problem:
        yield found.mismatch(problem, _FILES, found.move(wanted.database))
        return
    yield from _user(wanted, found)
    yield from _directory(wanted, found)
    yield from _major(wanted, found)
    yield from _names(wanted, found)


def _others(wanted: Wanted, found: _Found) -> Iterator[Mismatch]:
    for pod in found.seen.others:
        name = pod["metadata"]["name"]
        owners = pod["metadata"].get("ownerReferences") or [{"kind": "Pod", "name": name}]
        yield Mismatch(
            f"Pod {name}: it uses the claim {wanted.claim} too",
            "two servers on one volume destroy its data",
            f"end it first: {found.ways.kubectl} {_ended(owners[0]['kind'], owners[0]['name'])}",
        )


def _ended(kind: str, name: str) -> str:
    """Return what kubectl is told for the pods of an owner to end."""
    if kind == "ReplicaSet":
        # Its Deployment adds a hash to its own name, and would scale it up again.
        return f"scale deployment/{name.rpartition('-')[0]} --replicas=0"
    return (
        f"scale statefulset/{name} --replicas=0" if kind == "StatefulSet" else f"delete {kind.lower()}/{name}"
    )


def _user(wanted: Wanted, found: _Found) -> Iterator[Mismatch]:
    want = (wanted.server["spec"]["template"]["spec"].get("securityContext") or {}).get("runAsUser")
    outer, inner = (each.get("securityContext") or {} for each in (found.pod, found.container))
    uid = found.seen.uid if found.seen.uid is not None else inner.get("runAsUser", outer.get("runAsUser"))
    if uid == want:
        return
    if uid is None:
        fix = "name spec.template.spec.securityContext.runAsUser; it is printed by\n" + found.inside("id -u")
    else:
        fix = f"{found.ways.set('database.uid', uid)}; database.gid is the group of its files"
    told = f"the server's user is {json.dumps(uid)} and would be {json.dumps(want)}"
    yield found.mismatch(told, _FILES, fix)


def _directory(wanted: Wanted, found: _Found) -> Iterator[Mismatch]:
    pod = wanted.server["spec"]["template"]["spec"]
    container = adopted_pod.container(pod, wanted.claim) or {}
    want, _ = adopted_pod.place(pod, container, wanted.claim, adopted_pod.variable(container, "PGDATA"))
    directory = found.seen.directory or adopted_pod.variable(found.container, "PGDATA")
    have, problem = adopted_pod.place(found.pod, found.container, wanted.claim, directory)
    if problem or have != want:
        told = problem or f"the data directory on the claim is {json.dumps(have)}"
        told += f" and would be {json.dumps(want)}"
        yield found.mismatch(told, _FILES, found.move(wanted.database))
    if found.seen.links:
        told = f"part of its data is behind symbolic links, {', '.join(found.seen.links)}"
        yield found.mismatch(told, _FILES, found.move(wanted.database))


def _major(wanted: Wanted, found: _Found) -> Iterator[Mismatch]:
    seen, image = found.seen, str(found.container.get("image") or "")
    if seen.major is None and not seen.unseen:
        told = f"no PG_VERSION can be read in {seen.directory}, where its data should be"
        yield found.mismatch(
            told, _UNREAD, f"look for it: {found.inside(f'ls -la {shlex.quote(seen.directory)}')}"
        )
        return
    major = seen.major or majors.tagged(image)
    if major is None:
        start = "rollout status" if found.replicas else "scale --replicas=1"
        told = f"{seen.unseen}, and the tag of its image {image} names no version of PostgreSQL"
        fix = (
            f"{found.ways.kubectl} {start} statefulset/{found.name}, and make adopt: PG_VERSION is read then"
        )
        yield found.mismatch(told, _UNREAD, fix)
    elif major != wanted.major:
        where = "PG_VERSION on the volume" if seen.major else f"the version of its image {image}"
        told = f"{where} is {major} and PostgreSQL would be {wanted.major}"
        image_of = f"an image of PostgreSQL {major}"
        fix = found.ways.set("database.image", image_of) if major >= majors.OLDEST else _UPGRADE
        yield found.mismatch(told, "a server does not start on the files of another major version", fix)


def _names(wanted: Wanted, found: _Found) -> Iterator[Mismatch]:
    seen, ways, move = found.seen, found.ways, found.move(wanted.database)
    databases = seen.databases if seen.databases is not None else adopted_pod.declared(found.container)
    if databases is None:
        return
    mine = sorted(name for name in databases if name != SUPERUSER)
    database = wanted.database
    if database not in databases:
        told = f"its databases are {json.dumps(mine)} and would be {json.dumps([database])}"
        database = mine[0] if mine else SUPERUSER
        yield found.mismatch(told, _NAMES, ways.set("database.name", database) if mine else move)
    owner = databases.get(database, "") if database != SUPERUSER else ""
    if owner not in {"", wanted.owner}:
        told = f"the owner of the database {database} is {owner} and would be {wanted.owner}"
        may = owner != SUPERUSER and owner not in seen.superusers
        yield found.mismatch(told, _NAMES, ways.set("database.user", owner) if may else move)
    elif wanted.owner in seen.superusers:
        told = f"the role {wanted.owner} is a superuser, which the application must not be"
        yield found.mismatch(told, _NAMES, move)
    if seen.databases is not None and SUPERUSER not in seen.superusers:
        admin = shlex.quote(next(iter(seen.superusers), "NAME"))
        create = f"--command='CREATE ROLE {SUPERUSER} SUPERUSER LOGIN'"
        fix = found.inside(f"psql --username={admin} --dbname={SUPERUSER} {create}")
        told = f"its superusers are {json.dumps(list(seen.superusers))}, without {SUPERUSER}"
        yield found.mismatch(told, "the server administers itself as that role at every start", fix)
