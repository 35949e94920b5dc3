"""Protection that a pull request removes: an object's, or what ties a stack to its namespace and cluster.

Not here: an object that is deleted or replaced with its data; `verdict` knows those by the change itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from delivery.report import Removal

_NAMESPACE = "namespace"
_CONNECTION = "kubernetes:"
# May hold credentials: only whether it changes is told.
_HIDDEN = "kubernetes:kubeconfig"
_UNSET = "nothing"


def of_objects(steps: Sequence[Mapping[str, Any]]) -> tuple[Removal, ...]:
    """Return the objects that Pulumi refuses to delete now and would not any more.

    Args:
        steps: the engine's steps, those that change nothing else included.

    """
    return tuple(
        Removal(what=_name(step), before="protected", now="not protected")
        for step in steps
        if (step.get("old") or {}).get("protect") and not (step.get("new") or {}).get("protect")
    )


def of_settings(project: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Removal, ...]:
    """Return what would lead the stack to another namespace or another cluster.

    Args:
        project: the prefix of the program's own keys.
        before: the stack file's configuration at the base.
        now: the same in the pull request.

    """
    keys = sorted({key for key in (*before, *now) if key.startswith(_CONNECTION)})
    return tuple(_moved([f"{project}:{_NAMESPACE}", *keys], before, now))


def _moved(keys: Sequence[str], before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Removal]:
    for key in keys:
        if before.get(key) == now.get(key):
            continue
        if key == _HIDDEN:
            yield Removal(what=key, before="one", now="another")
        else:
            yield Removal(what=key, before=_shown(before.get(key)), now=_shown(now.get(key)))


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "an encrypted value"
    return _UNSET if value is None else str(value)


def _name(step: Mapping[str, Any]) -> str:
    kind = step["type"].rsplit(":", 1)[-1]
    metadata = ((step.get("old") or {}).get("inputs") or {}).get("metadata") or {}
    return f"{kind} {metadata.get('name') or step['urn'].rsplit('::', 1)[-1]}"
