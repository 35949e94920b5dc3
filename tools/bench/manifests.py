"""The manifests that the other tools install: `make render`'s, with Secrets where it has references to them.

External Secrets is not on the local cluster; its work is done here, with values that are made once.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tools.bench.place import Place
from tools.render import files, operator, program, secrets, values
from tools.render.manifests import Rendered, render
from tools.render.secrets import Manifest, Store

_STORE = Store(kind="ClusterSecretStore", name="bench", path="bench")


def write(place: Place, folder: Path, value: str | None = None) -> Path:
    """Write the place's manifests, numbered as `make render` does; `value` is the changed one."""
    folder.mkdir(parents=True)
    settings = place.settings if value is None else place.changed(value)
    for name, text in texts(settings).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def texts(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the files' texts by name."""
    rendered = render(program.objects("bench", settings), _STORE)
    store = _values(tuple(sorted(secrets.entries([each.manifest for each in rendered]).items())))
    filled = [Rendered(manifest=_filled(each.manifest, store), late=each.late) for each in rendered]
    plain = [each for each in filled if each.manifest["kind"] != "Secret"]
    hidden = [each.manifest for each in filled if each.manifest["kind"] == "Secret"]
    return {**files.texts(plain, "bench"), "02-secrets.yaml": yaml.safe_dump_all(hidden)}


def _filled(manifest: Manifest, store: Mapping[str, Mapping[str, str]]) -> Manifest:
    return operator.made(manifest, store) if manifest["kind"] == secrets.KIND else manifest


@cache
def _values(entries: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[str, dict[str, str]]:
    """Return values for these entries, the same ones each time: a change of one value is to be that alone."""
    return values.fresh(dict(entries))
