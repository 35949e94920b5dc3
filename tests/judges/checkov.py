"""checkov's rules for Kubernetes, in an environment of its own, without a network.

It is given neither the user's environment nor the user's home: an API key there would have it upload
manifests, a configuration file would choose its rules.
"""

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.toolchain import environment

from . import running
from .finding import Finding
from .manifests import Manifest, named

NAME = "checkov"

_LOCK = Path(__file__).with_name("requirements.txt")
# `--skip-download`: without it checkov downloads the rules' documentation from its vendor.
_OPTIONS = (
    *("--framework", "kubernetes", "--output", "json", "--quiet", "--compact", "--soft-fail"),
    *("--skip-download", "--skip-results-upload", "--download-external-modules", "false"),
)


def findings(manifests: Sequence[Manifest]) -> list[Finding]:
    """Return every rule that fails."""
    program = environment.of(_LOCK) / "bin" / "checkov"
    with tempfile.TemporaryDirectory(prefix="feastflow-checkov-") as home:
        folder = Path(home, "manifests")
        folder.mkdir()
        files = {f"/{number:04}.json": manifest for number, manifest in enumerate(manifests)}
        for name, manifest in files.items():
            (folder / name[1:]).write_text(json.dumps(manifest), encoding="utf-8")
        environ = {"HOME": home, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "LOG_LEVEL": "ERROR"}
        command = [str(program), *_OPTIONS, "--directory", str(folder)]
        report = json.loads(running.said(command, env=environ, cwd=Path(home)))
    assert report.get("summary", {"parsing_errors": 1})["parsing_errors"] == 0, report
    return [
        Finding(
            judge=NAME,
            check=failed["check_id"],
            resource=named(files[failed["file_path"]]),
            message=failed["check_name"],
        )
        for failed in report["results"]["failed_checks"]
    ]
