"""The steps of images.yml: from a folder to images in a registry, by their digests.

Needs no more than Python's own library, and the programs that each step names. What a step leaves for the
next one is in `build/images`.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.settings.values.tiers import OF_APPLICATION
from tools.delivery import reference, registry
from tools.delivery.reference import Reference
from tools.delivery.registry import Registry
from tools.toolchain import console, process
from tools.toolchain.errors import UserError

SBOM = "application/spdx+json"
_SEVERITIES = ("negligible", "low", "medium", "high", "critical")
_MINUTES = 60.0


@dataclass(frozen=True, kw_only=True)
class Images:
    """The images of one commit, and where they are on their way: in `room`."""

    source: Path
    room: Path
    repository: str
    commit: str
    environ: Mapping[str, str]

    @property
    def record(self) -> Path:
        """Return the references by digest, by tier."""
        return self.room / "images.json"

    def build(self) -> list[str]:
        """Build each tier from its folder's Dockerfile, with podman, into a folder of the OCI's layout."""
        done = []
        for tier in OF_APPLICATION:
            name = f"localhost/feastflow/{tier}:{self.commit}"
            folder = self.source / tier
            if not (folder / "Dockerfile").is_file():
                raise UserError(
                    f"there is no {folder}/Dockerfile",
                    "an image is built for each tier",
                    "add it, or name the folder that has both tiers: the variable IMAGES_FOLDER",
                )
            layout = self._layout(tier)
            shutil.rmtree(layout, ignore_errors=True)
            layout.parent.mkdir(parents=True, exist_ok=True)
            self._run("podman", "build", "--format=oci", "--tag", name, str(folder))
            self._run("podman", "push", "--format=oci", name, f"oci:{layout}")
            done.append(f"{tier} built from {folder}")
        return done

    def scan(self) -> list[str]:
        """Describe what is in each image, and look for known weaknesses that an update would end."""
        severity = self.environ.get("IMAGES_SEVERITY") or "critical"
        if severity not in _SEVERITIES:
            raise UserError(
                f"IMAGES_SEVERITY is {severity!r}",
                "an image with a weakness of that severity is not deployed",
                f"set it to one of: {', '.join(_SEVERITIES)}",
            )
        done = []
        for tier in OF_APPLICATION:
            sbom = self._sbom(tier)
            self._run("syft", "scan", f"oci-dir:{self._layout(tier)}", "--output", f"spdx-json={sbom}")
            self._run("grype", f"sbom:{sbom}", "--only-fixed", "--fail-on", severity)
            done.append(f"{tier} has no weakness of severity {severity} that an update would end")
        return done

    def push(self, reached: Registry) -> list[str]:
        """Push each image by its digest, with its description attached, under the commit's tag."""
        found, described = {}, {}
        for tier in OF_APPLICATION:
            image = reference.parse(f"{self.repository}/{tier}:{self.commit}")
            pushed = reached.push(self._layout(tier), image)
            found[tier] = str(pushed)
            described[tier] = str(reached.attach(self._sbom(tier), SBOM, pushed))
        self._described.write_text(json.dumps(described, indent=1), encoding="utf-8")
        self.record.write_text(json.dumps(found, indent=1), encoding="utf-8")
        return [f"{tier} pushed: {image}" for tier, image in found.items()]

    def sign(self) -> list[str]:
        """Sign each image and its description with cosign, by the identity of this run."""
        done = []
        with _login(self.environ) as environ:
            for file in (self.record, self._described):
                for tier, image in read(file).items():
                    self._run("cosign", "sign", "--yes", _bare(image), environ=environ)
                    done.append(f"{tier} signed: {image.digest}")
        return done

    def hand(self) -> list[str]:
        """Hand the digests to the job's outputs, and to the run's summary."""
        found = read(self.record)
        lines = [f"{tier}={image}" for tier, image in found.items()]
        append(self.environ, "GITHUB_OUTPUT", lines)
        append(self.environ, "GITHUB_STEP_SUMMARY", table("Images", found))
        return lines

    @property
    def _described(self) -> Path:
        return self.room / "sboms.json"

    def _layout(self, tier: str) -> Path:
        return self.room / tier

    def _sbom(self, tier: str) -> Path:
        return self.room / f"{tier}.spdx.json"

    def _run(self, *command: str, environ: Mapping[str, str] | None = None) -> None:
        try:
            process.stream(command, env=environ, each=console.say, timeout=_MINUTES * 60)
        except process.CommandError as failure:
            raise UserError(
                f"{' '.join(command[:2])} failed\n{failure.tail}",
                "nothing is deployed of images that were not built, described, found sound and signed",
                "see what it names, and run the failed jobs again once it is put right",
            ) from failure
        except FileNotFoundError as missing:
            raise UserError(
                f"there is no {command[0]} on PATH",
                "this step is done with it",
                "get it with: sh tools/delivery/tools.sh FOLDER, and put the folder on PATH",
            ) from missing


def of(environ: Mapping[str, str], root: Path) -> Images:
    """Return the images that the environment names.

    Raises:
        UserError: when the repository or the commit is missing or is not what it should be.
    """
    commit = environ.get("GITHUB_SHA", "")
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise UserError(
            "GITHUB_SHA is missing or is no commit",
            "an image is tagged with the commit that it was built from",
            "run it as .github/workflows/images.yml does",
        )
    repository = reference.parse(environ.get("IMAGES_REPOSITORY", ""))
    if repository.tag or repository.digest:
        raise UserError(
            f"IMAGES_REPOSITORY is {repository}",
            "tags and digests are given to the images that are pushed below it",
            f"set it to {repository.text}",
        )
    return Images(
        source=root / (environ.get("IMAGES_FOLDER") or "demo"),
        room=root / "build" / "images",
        repository=repository.text,
        commit=commit,
        environ=environ,
    )


def read(file: Path) -> dict[str, Reference]:
    """Return the images of a record, by tier.

    Raises:
        UserError: when it is none: an image without a digest, a tier that is not there.
    """
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        found = {str(tier): reference.parse(str(image)) for tier, image in document.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise _no_record(file, str(error)) from error
    if not set(found) <= set(OF_APPLICATION) or not all(image.digest for image in found.values()):
        raise _no_record(file, "it names other images than one by digest for each tier")
    return found


def table(title: str, images: Mapping[str, Reference]) -> list[str]:
    """Return the images as a table of Markdown."""
    rows = [f"| {tier} | `{image}` |" for tier, image in images.items()]
    return [f"## {title}", "", "| tier | image |", "| --- | --- |", *rows, ""]


def append(environ: Mapping[str, str], variable: str, lines: list[str]) -> None:
    """Append lines to the file that GitHub's runner names, where there is one."""
    if environ.get(variable):
        with Path(environ[variable]).open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))


def run(step: str, environ: Mapping[str, str] = os.environ) -> str:
    """Do a step of images.yml by its name; returns what was done."""
    here = of(environ, Path(__file__).parents[2])
    steps = {
        "build": here.build,
        "scan": here.scan,
        "push": lambda: here.push(Registry(logins=registry.logins(environ))),
        "sign": here.sign,
        "hand": here.hand,
    }
    return "\n".join(steps[step]())


def _bare(image: Reference) -> str:
    """Return the image by its digest alone: what is signed is what was pushed, whatever the tag is by now."""
    return f"{image.text}@{image.digest}"


@contextmanager
def _login(environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Have a program find the registry's login, in a folder that is deleted afterwards."""
    known = registry.named_login(environ)
    if not known:
        yield {}
        return
    auths = {host: {"auth": base64.b64encode(login.encode()).decode()} for host, login in known.items()}
    with tempfile.TemporaryDirectory(prefix="feastflow-login-") as folder:
        file = Path(folder) / "config.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps({"auths": auths}), encoding="utf-8")
        yield {"DOCKER_CONFIG": folder}


def _no_record(file: Path, problem: str) -> UserError:
    return UserError(
        f"{file} is no record of images: {problem}",
        "the images of a run are deployed by the digests that it recorded",
        "run all jobs of the workflow again",
    )
