"""Releases: the settings of each one that worked, to go back to.

A release is an `up` that Pulumi finished and whose site answered; the last ten are kept, in the workspace.
They hold settings and the names of images. Not kept: the program itself, the images, the data.
"""

import datetime as dt
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.toolchain import private
from tools.toolchain.errors import UserError

Config = Mapping[str, Any]

_KEPT = 10
_CURRENT, _JUDGED = "current.yaml", "judged.yaml"
_ROTATION, _DATABASE, _BACKEND = "feastflow:rotation", "feastflow:database", "feastflow:backend"
_STORAGE, _IMAGE, _MIGRATIONS, _RELEASE = "storage", "image", "migrations", "release"


def section(config: Config, name: str) -> Config:
    """Return what stands below a name; what is no mapping is refused by the program itself."""
    found = config.get(name)
    return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True, kw_only=True)
class Release:
    """One that worked. `config` are its settings, `number` counts up, `at` is when it had been deployed."""

    number: int
    at: str
    config: Config


@dataclass(frozen=True, kw_only=True)
class Releases:
    """A stack's releases, in a folder of its own."""

    folder: Path

    def begin(self, config: Config) -> None:
        """Note what is being deployed now, before it is: an `up` that fails is what one goes back from."""
        current = self._current()
        self._note(
            wanted=config, deployed=current["deployed"], finished=False, digest=current.get("digest", "")
        )

    def finished(self, outputs: Mapping[str, Any]) -> None:
        """Note that Pulumi has deployed it, its migrations included, whatever the site says.

        `outputs` are the stack's; they tell this deployment from any other one.
        """
        wanted = self._current()["wanted"]
        self._note(wanted=wanted, deployed=wanted, finished=True, digest=_digest(outputs))

    def withdrawn(self, deployed: Config, outputs: Mapping[str, Any]) -> None:
        """Note that what was wanted is deployed with a canary that gets no requests: it was judged worse."""
        wanted = self._current()["wanted"]
        self._note(wanted=wanted, deployed=deployed, finished=True, digest=_digest(outputs))

    def deployed(self) -> Config:
        """Return what an update finished to deploy last; empty before there was one."""
        found: Config = self._current()["deployed"]
        return found

    def judged(self) -> dict[str, str]:
        """Return what was judged good last, by tier: a digest of the tier's settings."""
        path = self.folder / _JUDGED
        found = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None
        return {str(tier): str(digest) for tier, digest in found.items()} if isinstance(found, dict) else {}

    def note_judged(self, good: Mapping[str, str]) -> None:
        """Note these as judged good, in place of what was judged before."""
        _write(self.folder / _JUDGED, {**self.judged(), **good})

    def worked(self) -> None:
        """Record what `begin` noted as a release, unless it is the last one again."""
        wanted = self._current()["wanted"]
        known = self._all()
        if known and known[-1].config == wanted:
            return
        number = known[-1].number + 1 if known else 1
        now = dt.datetime.now(tz=dt.UTC).isoformat(sep=" ", timespec="seconds")
        _write(self._path(number), {"at": now, "config": dict(wanted)})
        for old in known[: -(_KEPT - 1)]:
            self._path(old.number).unlink()

    def earlier(self) -> Release:
        """The newest release that is another one than what is deployed, or was to be.

        Raises:
            UserError: when there is none.
        """
        wanted = self._current()["wanted"]
        found = [release for release in self._all() if release.config != wanted]
        if wanted and found:
            return found[-1]
        raise UserError(
            "there is no earlier release to go back to",
            "only settings with which the stack has worked, on this machine, are known to work",
            "mend the stack's file and run: make up",
        )

    def must_be_last(self, outputs: Mapping[str, Any]) -> None:
        """Refuse a way back where the stack's outputs tell of a later deployment than the last known here.

        Raises:
            UserError: when another deployment followed, from another machine.
        """
        current = self._current()
        known, digest = current["deployed"], current.get("digest")
        if digest and digest == _digest(outputs):
            return
        images = {
            tier: section(known, f"feastflow:{tier}").get(_IMAGE, there)
            for tier, there in outputs.get("images", {}).items()
        }
        rotation = (outputs.get("dataDependsOn") or {}).get("rotation", 1)
        # A release that was noted before digests were has none.
        if not digest and images == outputs.get("images", {}) and rotation == known.get(_ROTATION, 1):
            return
        raise UserError(
            "the stack was deployed from another machine since",
            "only what was deployed from here is known here; a way back would undo what others have done",
            "check the earlier commit out and run: make up",
        )

    def settings(self, release: Release) -> dict[str, Any]:
        """The release's settings, as they can be deployed after the last update that was finished."""
        current = self._current()
        return _after(release.config, current["deployed"], migrated=current["finished"])

    def went_back(self, release: Release, deployed: Config, outputs: Mapping[str, Any]) -> None:
        """Forget what came after the release: it is no earlier one any more."""
        for each in self._all():
            if each.number > release.number:
                self._path(each.number).unlink()
        self._note(wanted=release.config, deployed=deployed, finished=True, digest=_digest(outputs))

    def forget(self) -> None:
        """Forget all of them, with the stack."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _all(self) -> list[Release]:
        found = []
        for path in sorted(self.folder.glob("[0-9]*.yaml")):
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
            found.append(Release(number=int(path.stem), at=document["at"], config=document["config"]))
        return found

    def _current(self) -> dict[str, Any]:
        path = self.folder / _CURRENT
        empty: dict[str, Any] = {"wanted": {}, "deployed": {}, "finished": False}
        return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else empty

    def _note(self, *, wanted: Config, deployed: Config, finished: bool, digest: str) -> None:
        document = {
            "wanted": dict(wanted),
            "deployed": dict(deployed),
            "finished": finished,
            "digest": digest,
        }
        _write(self.folder / _CURRENT, document)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06}.yaml"


def _digest(outputs: Mapping[str, Any]) -> str:
    return str(outputs.get("configuration") or "")


def _after(earlier: Config, now: Config, *, migrated: bool) -> dict[str, Any]:
    """The earlier settings, but for what only goes forward: rotations, the volume's size, the schema.

    Where a later version has `migrated` the schema, the earlier one's migrations are not run against it.
    """
    result = _kept(earlier, now, _ROTATION)
    database = _kept(section(earlier, _DATABASE), section(now, _DATABASE), _STORAGE)
    if database or _DATABASE in result:
        result[_DATABASE] = database
    backend = section(earlier, _BACKEND)
    if migrated and _migrator(earlier) != _migrator(now):
        migrations = backend.get(_MIGRATIONS)
        own = migrations if isinstance(migrations, Mapping) else {}
        result[_BACKEND] = {**backend, _MIGRATIONS: {**own, "mode": "none"}}
    return result


def _kept(earlier: Config, now: Config, key: str) -> dict[str, Any]:
    rest = {name: value for name, value in earlier.items() if name != key}
    return {**rest, key: now[key]} if key in now else rest


def _migrator(config: Config) -> tuple[object, ...]:
    backend = section(config, _BACKEND)
    release = section(backend, _RELEASE)
    second = [section(release, name).get(_IMAGE) for name in ("green", "canary")]
    return backend.get(_IMAGE), backend.get(_MIGRATIONS), *second


def _write(path: Path, document: Mapping[str, Any]) -> None:
    private.write(path, yaml.safe_dump(dict(document), sort_keys=False))
