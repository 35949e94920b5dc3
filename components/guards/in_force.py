"""The moment from which the API server judges by the rules of this update.

It reads a changed ValidatingAdmissionPolicy within a second, on a busy machine within several. An object
that only the new rules allow would be refused until then by the old ones.
"""

import asyncio
import json
import os
import time
from collections.abc import Mapping
from typing import Any

import pulumi

from ..settings.model.stack import Kubeconfig
from .cluster import kubeconfig
from .cluster.asking import Ask, UnseenError, opened
from .cluster.kubeconfig import KubeconfigError

_SECONDS = 30.0
_PAUSE = 0.2
_NOT_YET = (
    "after {seconds:.0f} s the API server still judges by the rules of the update before. If it now refuses "
    "what this update's rules allow, run the same command again"
)


def name(
    namespace: pulumi.Output[str],
    settings: Kubeconfig | None,
    policy: pulumi.Resource,
    probe: pulumi.Input[Mapping[str, Any]],
) -> pulumi.Output[str]:
    """Return the namespace's name, for what must wait until the policy is in force; known in a preview too.

    `probe` is the object whose dry run the rules before refuse; it is never created. Nothing is awaited in
    previews, and where no API server can be asked. Not a goal: several API servers behind one address, of
    which the one that answers is asked.
    """

    async def in_force() -> bool:
        if settings is None or pulumi.runtime.is_dry_run():
            return True
        await policy.urn.future()
        asked = await pulumi.Output.from_input(probe).future()
        if asked and not await asyncio.to_thread(_let_through, settings, asked, os.environ):
            pulumi.log.warn(_NOT_YET.format(seconds=_SECONDS), policy)
            return False
        return True

    awaited: pulumi.Output[bool] = pulumi.Output.from_input(in_force())
    return pulumi.Output.all(namespace, awaited).apply(lambda both: str(both[0]))


def _let_through(settings: Kubeconfig, probe: Mapping[str, Any], environ: Mapping[str, str]) -> bool:
    """Return whether the probe's dry run was let through in time; True where nothing can be asked."""
    try:
        reached = kubeconfig.reached(settings, environ)
        if reached is None:
            return True
        config, context = reached
        with opened(config.cluster(context), config.user(context), environ) as ask:
            return _awaited(ask, probe)
    except (KubeconfigError, UnseenError):
        return True


def _awaited(ask: Ask, probe: Mapping[str, Any]) -> bool:
    path = f"api/v1/namespaces/{probe['metadata']['namespace']}/configmaps?dryRun=All"
    body = json.dumps(probe).encode()
    end = time.monotonic() + _SECONDS
    while ask(path, body) is None:
        if time.monotonic() > end:
            return False
        time.sleep(_PAUSE)
    return True
