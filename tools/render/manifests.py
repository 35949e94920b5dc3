"""Registered objects as manifests that any tool may apply: nothing of Pulumi's in them, and no secret."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.guards.cluster import live
from components.settings.values import names
from tools.render import secrets, waves
from tools.render.recording import Registered
from tools.render.secrets import Manifest, Store

_OURS = ("pulumi.com/", live.OWNER)
_MANAGED_BY = "app.kubernetes.io/managed-by"
_ARGO = "argocd.argoproj.io"
_FLUX = "kustomize.toolkit.fluxcd.io"


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """One manifest. `late` is a Job that must not run before the rollout is over.

    Of a Secret that was `generated` the program itself knows new values for the store.
    """

    manifest: Manifest
    late: bool = False
    generated: bool = False


def render(resources: Sequence[Registered], store: Store) -> list[Rendered]:
    """Return every object once, in the order of registration; what only Pulumi waits for is none.

    Raises:
        RuntimeError: when a secret would be in there, which is a defect of this program.
    """
    hidden = [entry for entry in resources if entry.type == "kubernetes:core/v1:Secret"]
    renamed = {entry.object_name: secrets.stable_name(entry) for entry in hidden}
    order, late = waves.of(resources), waves.after_rollout(resources)
    found = []
    for entry in resources:
        if entry.is_patch:
            continue
        plain = secrets.reference(entry, store) if entry in hidden else entry.inputs
        manifest = _neutral(plain, renamed)
        manifest["metadata"] = _annotated(manifest["metadata"], _hints(entry, order[entry.urn]))
        generated = entry in hidden and not secrets.is_own(entry)
        found.append(Rendered(manifest=manifest, late=entry.urn in late, generated=generated))
    text = json.dumps([each.manifest for each in found])
    leaked = [entry.name for entry in hidden if any(value in text for value in secrets.hidden_values(entry))]
    if leaked or len(set(renamed.values())) < len(renamed):
        raise RuntimeError(f"a rendering would hold a secret, or two under one name: {leaked or renamed}")
    return found


def _hints(entry: Registered, wave: int) -> dict[str, str]:
    """Return what Argo CD and Flux have to know of the object; other tools pass over it."""
    hints = {f"{_ARGO}/sync-wave": str(wave)} if wave else {}
    if entry.kind == "Job":
        # A Job is never changed after it was made: another version of it has another name.
        hints[f"{_FLUX}/ssa"] = "IfNotPresent"
    if entry.protect:
        hints[f"{_ARGO}/sync-options"] = "Delete=false,Prune=false"
        hints[f"{_FLUX}/prune"] = "disabled"
    return hints


def _annotated(metadata: Mapping[str, Any], hints: Mapping[str, str]) -> Manifest:
    kept = {key: value for key, value in metadata.get("annotations", {}).items() if not key.startswith(_OURS)}
    annotations = {**kept, **hints}
    rest = {key: value for key, value in metadata.items() if key != "annotations"}
    return {**rest, **({"annotations": annotations} if annotations else {})}


def _neutral(value: Any, renamed: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return the same with the Secrets' names for renderings, without the label that Pulumi manages it."""
    if isinstance(value, dict):
        return {
            key: _neutral(inner, renamed)
            for key, inner in value.items()
            if (key, inner) != (_MANAGED_BY, names.MANAGED_BY)
        }
    if isinstance(value, list):
        return [_neutral(inner, renamed) for inner in value]
    return renamed.get(value, value) if isinstance(value, str) else value
