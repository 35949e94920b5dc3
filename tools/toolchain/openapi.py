"""Kubernetes' OpenAPI documents, one of each supported minor version, for the tests alone.

The document is a file of Kubernetes' own module, pinned by its hash. Kept is that file; the module, thirty
times its size, is deleted again. It has the APIs and fields of every feature, those that are off by default
too.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.toolchain import cache, golang, process
from tools.toolchain.errors import UserError

# By minor: the newest release that the Go proxy serves, and the SHA-256 of its document.
DOCUMENTS: Mapping[str, tuple[str, str]] = {
    "1.33": ("1.33.13", "2af5abf98554af1599e516f31f7f1698085e6faa12b816401f569c097b9f7ef6"),
    "1.34": ("1.34.12", "d3b0cdc2fda15c753206d25ab459dc7c12df64e2fd652b6809687471ea751c37"),
    "1.35": ("1.35.8", "483500149ee52ce5753d75f5639101d985bb4f5e902cc05b1ba7627465d62446"),
    "1.36": ("1.36.5", "dcede2063da1d7ad62ecb5af8adb6d7fabd0b52385a7fa0048afb491dac90450"),
    "1.37": ("1.37.2", "465276aedf437726de5a6ed23a41b86d78bb0d347edf251a755ae26a93cdd8a6"),
}
KIND = "openapi"
_MODULE = "k8s.io/kubernetes"
_PATH = "api/openapi-spec/swagger.json"
_FILE = "swagger.json"
_GIB = 1
_SECONDS = 600


def document(minor: str) -> dict[str, Any]:
    """Return the document of a minor version such as `1.33`, fetched when it is not in the cache.

    Raises:
        UserError: when it cannot be fetched, or is not the pinned one.
    """
    folder = cache.entry(KIND, name(minor), lambda made: _fetch(minor, made))
    found: dict[str, Any] = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    return found


def name(minor: str) -> str:
    """Return the name of the cache's entry: the release, and its document's hash."""
    version, digest = DOCUMENTS[minor]
    return f"{version}-{digest[:16]}"


def _fetch(minor: str, made: Path) -> None:
    version, digest = DOCUMENTS[minor]
    golang.room(cache.home(), _GIB, f"Kubernetes {version}, of which one file is kept,")
    with cache.draft() as folder:
        # A module cache of its own, so that the rest of the module is deleted with it.
        variables = {"GOMODCACHE": str(folder), "GOFLAGS": "-modcacherw", "GOWORK": "off"}
        try:
            text = process.output(
                ["go", "mod", "download", "-json", f"{_MODULE}@v{version}"],
                env=variables,
                cwd=folder,
                timeout=_SECONDS,
            )
        except (process.CommandError, FileNotFoundError) as failure:
            raise UserError(
                f"Kubernetes {version} could not be fetched: {failure}",
                "its OpenAPI document is what the manifests are validated against",
                "check that go is on PATH, the network and GOPROXY, and run it again",
            ) from failure
        shutil.copyfile(Path(json.loads(text)["Dir"]) / _PATH, made / _FILE)
    found = hashlib.sha256((made / _FILE).read_bytes()).hexdigest()
    if found != digest:
        raise UserError(
            f"the OpenAPI document of Kubernetes {version} has the SHA-256 {found}",
            f"the pinned one has {digest}",
            "do not trust the network you are on, or pin the new one in tools/toolchain/openapi.py",
        )
