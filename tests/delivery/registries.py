"""A registry of images on loopback, and images for it: both real, neither from the network."""

import hashlib
import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SERVING = re.compile(r"serving on port (\d+)")


@dataclass(frozen=True, kw_only=True)
class Served:
    """The registry: `host` is how references name it, `crane` asks it as others do."""

    host: str
    crane: Path

    def asked(self, *arguments: str) -> str:
        """Return what crane says of it; must succeed."""
        done = subprocess.run(  # noqa: S603 - pinned
            [self.crane, *arguments, "--insecure"], capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout.strip()


@contextmanager
def serving(crane: Path) -> Iterator[Served]:
    """Serve an empty registry at a port that the kernel chose, for the length of the block."""
    command = [str(crane), "registry", "serve", "--address", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as program:  # noqa: S603 - pinned
        try:
            assert program.stderr is not None
            found = next(filter(None, map(_SERVING.search, program.stderr)))
            # Its log of requests must not fill the pipe.
            threading.Thread(target=program.stderr.read, daemon=True).start()
            yield Served(host=f"127.0.0.1:{found[1]}", crane=crane)
        finally:
            program.kill()


def application(folder: Path, word: str = "hello") -> Path:
    """Write the smallest application: a Dockerfile for each tier, of no base."""
    for tier in ("backend", "frontend"):
        place = folder / tier
        place.mkdir(parents=True, exist_ok=True)
        (place / "word").write_text(f"{word} from the {tier}\n", encoding="utf-8")
        text = 'FROM scratch\nCOPY word /word\nUSER 1000:1000\nCMD ["/word"]\n'
        (place / "Dockerfile").write_text(text, encoding="utf-8")
    return folder


def layout(folder: Path, content: str) -> Path:
    """Write an image of one layer in the OCI's layout, without any program."""

    def kept(raw: bytes) -> dict[str, object]:
        digest = hashlib.sha256(raw).hexdigest()
        place = folder / "blobs" / "sha256"
        place.mkdir(parents=True, exist_ok=True)
        (place / digest).write_bytes(raw)
        return {"digest": f"sha256:{digest}", "size": len(raw)}

    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar", **kept(content.encode())}
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", **kept(b"{}")}
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]}
    entry = {"mediaType": kind, **kept(json.dumps(manifest).encode())}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    return folder
