"""The stage of a drill: a stack that runs on the local cluster, and the ways to reach into both."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.settings.file import stackfile
from components.settings.values.merging import merged
from tools.cluster.api import Api
from tools.cluster.handle import Cluster
from tools.drills import objects
from tools.drills.objects import Object, Pod
from tools.stacks import smoke
from tools.stacks.stack import Stack
from tools.toolchain import process
from tools.toolchain.console import Step

_KINDS = ("nodes", "deployments", "horizontalpodautoscalers", "statefulsets", "clusters")
EVERYWHERE = ""
_REPLICATED = "replicated"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stack, its cluster and its site. Every call asks again; errors are `process.CommandError`.

    `note` shows how far the drill is; `rate` is that of its load, in requests a second. Objects are asked of
    `api`: a kubectl for each question would take the processors from what is drilled.
    """

    cluster: Cluster
    api: Api = field(repr=False)
    stack: Stack
    namespace: str
    url: str
    note: Callable[[str], None] = lambda _: None
    rate: float = 0

    @property
    def name(self) -> str:
        """Return the stack's name."""
        return self.stack.name

    @property
    def replicated(self) -> bool:
        """Return whether the database has standbys."""
        section = self.config().get("feastflow:database", {})
        return isinstance(section, Mapping) and section.get("engine") == _REPLICATED

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 60) -> str:
        """Return what kubectl prints, in the stack's namespace unless the arguments name another."""
        client = self.cluster.client.within(self.namespace)
        return client.output(*arguments, stdin=stdin, timeout=timeout)

    def all(
        self, kind: str, *, namespace: str | None = None, labels: str = "", fields: str = ""
    ) -> list[Object]:
        """Return all objects of a kind in the stack's namespace, another, or EVERYWHERE, by selectors."""
        where = self.namespace if namespace is None else namespace
        with _told(f"the {kind}"):
            return list(self.api.all(kind, where, labels=labels, fields=fields))

    def get(self, kind: str, name: str) -> Object:
        """Return one object of the stack's namespace, or of the cluster."""
        with _told(f"{kind} {name}"):
            return self.api.one(kind, name, self.namespace)

    def pods(self, component: str) -> list[Pod]:
        """Return the pods of a tier that are to stay."""
        return objects.pods(self.all("pods", labels=f"component={component}"))

    def pod(self, name: str) -> Pod | None:
        """Return one pod as it is now; None when it is gone or on its way out."""
        listed = self.all("pods", fields=f"metadata.name={name}")
        return next(iter(objects.pods(listed)), None)

    def missing(self) -> list[str]:
        """Return what the stack and its platform lack; a question that is not answered counts as that."""
        try:
            listed = [each for kind in _KINDS for each in self.all(kind, namespace=EVERYWHERE)]
            found = objects.missing(listed, self.namespace)
            for path in ("/", "/api/menu"):
                if not found and not self.answers(path):
                    found.append(path)
        except (process.CommandError, OSError, ValueError) as problem:
            return [" ".join(str(problem).split())[:80]]
        return found

    def answers(self, path: str) -> bool:
        """Return whether the site answers there with success."""
        return smoke.get(self.url, path)[0] == 200  # noqa: PLR2004 - success

    def on_node(self, node: str, *command: str, timeout: float = 60) -> str:
        """Return what a command on a node prints, run there as root."""
        return self.cluster.engine.run("exec", node, *command, timeout=timeout)

    def primary(self) -> str:
        """Return the name of the database's pod that takes writes."""
        if not self.replicated:
            return "postgres-0"
        cluster = self.get("clusters", "postgres")
        return str(cluster["status"]["currentPrimary"])

    def sql(self, statement: str, **values: str) -> list[list[str]]:
        """Return rows that the primary answers, as text; `:'name'` in the statement stands for a value."""
        psql = ["psql", "-U", "postgres", "-d", "feastflow", "-XAtq", "-F", "\t"]
        for name, value in values.items():
            psql += ["-v", f"{name}={value}"]
        command = ["exec", "--stdin", self.primary(), "--container", "postgres", "--", *psql]
        answer = self.kubectl(*command, stdin=statement)
        return [line.split("\t") for line in answer.splitlines()]

    def config(self) -> dict[str, Any]:
        """Return the settings with which the stack was deployed last."""
        return stackfile.load(self.stack.workspace.folder / f"Pulumi.{self.name}.yaml").config

    def changed(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return these settings over those that are deployed, key by key."""
        return merged(self.config(), changes)

    def deploy(self, config: Mapping[str, Any], *, judged: bool = True) -> None:
        """Run `pulumi up` with these settings, without preview and policies if they were deployed before."""
        self.stack.workspace.put(self.name, config)
        step = Step("pulumi up", f"stack {self.name}")
        self.note(self.stack.up(step) if judged else self.stack.back(step))

    def workers(self) -> list[str]:
        """Return the nodes that are not the control plane, on which the edge and the API server are."""
        return [node for node in self.cluster.nodes() if "control-plane" not in node]


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, LookupError) as problem:
        raise process.CommandError(["GET", what], 1, str(problem)) from problem


def ctr(*arguments: str) -> Sequence[str]:
    """Return a command for the containers of a node's pods."""
    return ("ctr", "--namespace", "k8s.io", *arguments)
