"""References inside values: `$(NAME)` as the kubelet expands it, and the order in which it can.

A variable's value refers to variables that are defined before it, a command and its arguments to all of them;
what refers to nothing stays as it stands, and so does `$$(NAME)`:
https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
Pure.
"""

import graphlib
import heapq
import re
from collections.abc import Collection, Mapping, Sequence

_OPEN = "$("
# From the left: an escaped dollar, a reference, and one that is never closed.
_TOKEN = re.compile(r"\$\$|\$\((?P<name>[^)]*)\)|\$\((?=[^)]*\Z)")
# The kubelet gives every container the API server's address, whether Service links are on or off.
KUBELETS = (
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "KUBERNETES_SERVICE_PORT_HTTPS",
    "KUBERNETES_PORT",
    "KUBERNETES_PORT_443_TCP",
    "KUBERNETES_PORT_443_TCP_PROTO",
    "KUBERNETES_PORT_443_TCP_PORT",
    "KUBERNETES_PORT_443_TCP_ADDR",
)


class CycleError(ValueError):
    """Variables that refer to each other, so that none can be the first; `names` ends as it begins."""

    def __init__(self, names: Sequence[str]) -> None:
        """Keep the names, each of which refers to the next one."""
        super().__init__(" → ".join(names))
        self.names = tuple(names)


def references(text: str) -> list[str]:
    """Return the names that the text refers to, in their order."""
    return [found["name"] for found in _TOKEN.finditer(text) if found["name"] is not None]


def is_open(text: str) -> bool:
    """Return whether a reference begins that never ends."""
    return any(found.group() == _OPEN for found in _TOKEN.finditer(text))


def literal(text: str) -> str:
    """Return the text so that the kubelet expands nothing in it."""
    return text.replace("$", "$$")


def renamed(text: str, names: Mapping[str, str]) -> str:
    """Return the text with its references by other names, where there is another."""

    def called(found: re.Match[str]) -> str:
        name = found["name"]
        return f"$({names[name]})" if name in names else found.group()

    return _TOKEN.sub(called, text)


def new_names(renames: Mapping[str, str], present: Collection[str]) -> dict[str, str]:
    """Return the renames that references follow: a name that is there again means what is there."""
    return {old: new for old, new in renames.items() if old not in present}


def ordered(values: Mapping[str, str]) -> list[str]:
    """Return the names in the order of the values, but each after those that its own value refers to.

    Raises:
        CycleError: when there is no such order.
    """
    position = {name: index for index, name in enumerate(values)}
    graph = {name: [other for other in references(values[name]) if other in values] for name in values}
    sorter = graphlib.TopologicalSorter(graph)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        # The library names each before what refers to it.
        raise CycleError(error.args[1][::-1]) from None
    names, free, result = list(values), list[int](), list[str]()
    while sorter.is_active():
        for name in sorter.get_ready():
            heapq.heappush(free, position[name])
        result.append(names[heapq.heappop(free)])
        sorter.done(result[-1])
    return result
