"""The moment from which the API server judges by the rules of this update.

It reads a changed ValidatingAdmissionPolicy anew within a second, on a busy machine within several. An object that
only the new rules allow would be refused until then by the old ones.
"""

import asyncio
import json
import os
import time
from collections.abc import Mapping
from typing import Any

import pulumi

from . import kubeconfig
from .asking import Ask, UnseenError, opened
from .kubeconfig import KubeconfigError
from .model.stack import Kubeconfig

_SECONDS = 30.0
_PAUSE = 0.2
_NOT_YET = (
    "after {seconds:.0f} s the API server still judges by the rules of the update before. If it now refuses what "
    "this update's rules allow, run the same command again"
)


def name(
    namespace: pulumi.Output[str],
    settings: Kubeconfig | None,
    policy: pulumi.Resource,
    probe: pulumi.Input[Mapping[str, Any]],
) -> pulumi.Output[str]:
    """Return the namespace's name, for what must wait until the policy is in force; known in a preview too.

    `probe` is the object whose dry run the rules before refuse; it is created at no time. Nothing is awaited in
    previews, and where no API server can be asked. Not a goal: several API servers behind one address, of which the
    one that answers is asked.
    """

    async def wait() -> None:
        if settings is None or pulumi.runtime.is_dry_run():
            return
        await policy.urn.future()
        asked = await pulumi.Output.from_input(probe).future()
        if asked and not await asyncio.to_thread(_awaited, settings, asked, os.environ):
            pulumi.log.warn(_NOT_YET.format(seconds=_SECONDS), policy)

    return pulumi.Output.all(namespace, pulumi.Output.from_input(wait())).apply(lambda both: str(both[0]))


def _awaited(settings: Kubeconfig, probe: Mapping[str, Any], environ: Mapping[str, str]) -> bool:
    """Return whether the probe's dry run was let through in time; True where nothing can be asked."""
    try:
        config = kubeconfig.read(settings, environ)
        context = settings.context or (config.current if config else "")
        if config is None or not config.cluster(context).get("server"):
            return True
        with opened(config.cluster(context), config.user(context), environ) as ask:
            return _let_through(ask, probe)
    except (KubeconfigError, UnseenError):
        return True


def _let_through(ask: Ask, probe: Mapping[str, Any]) -> bool:
    path = f"api/v1/namespaces/{probe['metadata']['namespace']}/configmaps?dryRun=All"
    body = json.dumps(probe).encode()
    end = time.monotonic() + _SECONDS
    while ask(path, body) is None:
        if time.monotonic() > end:
            return False
        time.sleep(_PAUSE)
    return True
