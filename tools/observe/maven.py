"""Zipkin's jar, fetched by Maven at a pinned version and checked against a pinned checksum."""

import hashlib
import os
import shutil
from pathlib import Path

from tools.toolchain import cache, process
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError

ZIPKIN = "3.5.1"
JAR = "zipkin.jar"

_ARTIFACT = f"io.zipkin:zipkin-server:{ZIPKIN}:jar:exec"
_FETCHED = f"zipkin-server-{ZIPKIN}-exec.jar"
_SHA256 = "7ac633a6832647e71e50012a5e3e91fbc7054414955261724526030faf271d8d"
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
_KIND, _LOG = "maven", "maven"
_SECONDS = 900


def key() -> str:
    """Return what the jar depends on."""
    return cache.key(_ARTIFACT, _SHA256)


def zipkin(step: Step) -> Path:
    """Return the jar, fetched now when it is not in the cache.

    Raises:
        UserError: when there is no Maven, it does not get the jar, or the jar is another one.
    """
    return cache.entry(_KIND, key(), lambda folder: _fetch(folder, step)) / JAR


def _fetch(folder: Path, step: Step) -> None:
    maven = _maven(step)
    step.note(f"Zipkin {ZIPKIN} by Maven")
    command = [maven, "--batch-mode", _COPY, f"-Dartifact={_ARTIFACT}", f"-DoutputDirectory={folder}"]
    log = cache.log(_LOG)
    try:
        process.stream(command, cwd=folder, log=log, timeout=_SECONDS)
    except process.CommandError as failure:
        raise UserError(
            f"Maven could not fetch {_ARTIFACT}\n{failure.tail[-1500:]}",
            "it is the store and the page of traces",
            f"check the network and ~/.m2/settings.xml, and run it again; the log is {log}",
        ) from failure
    fetched = folder / _FETCHED
    with fetched.open("rb") as jar:
        found = hashlib.file_digest(jar, "sha256").hexdigest()
    if found != _SHA256:
        fetched.unlink()
        raise UserError(
            f"{_ARTIFACT} has the checksum {found}, not {_SHA256}",
            "it was changed on the way, or where it comes from; nothing runs it",
            f"delete it from Maven's repository (~/.m2/repository/io/zipkin/zipkin-server/{ZIPKIN}) and try "
            "again; if it comes back, do not trust the network you are on",
        )
    fetched.rename(folder / JAR)


def _maven(step: Step) -> str:
    found = shutil.which("mvn")
    if found:
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        step.note("Maven from Debian's packages")
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", "maven"]):
            process.stream(["apt-get", *arguments], env=environment, log=cache.log("apt"), timeout=1200)
        found = shutil.which("mvn")
    if not found:
        raise UserError(
            "there is no `mvn` on PATH",
            "Zipkin is fetched by Maven",
            "install Maven (with a Java) and run it again",
        )
    return found
