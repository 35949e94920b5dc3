"""Canaries judged by `make up`: by the edge's figures, with no requests left to one that is worse.

Only `make up` waits and can deploy a second time; `pulumi up` alone deploys what the settings say.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from components.settings.model.release import Release
from components.settings.model.tiers import Backend, Frontend
from components.settings.values.merging import merged
from components.settings.values.tiers import TIERS
from tools.stacks import workspace
from tools.stacks.releases import Releases
from tools.stacks.target import Target
from tools.stacks.workspace import Config
from tools.telemetry import canary, plain
from tools.telemetry.asking import AbsentError, AwayError, RefusedError, Source
from tools.telemetry.canary import UnjudgedError, Watched, WorseError
from tools.telemetry.stores import Stores
from tools.telemetry.watch import Watch
from tools.toolchain import cache
from tools.toolchain.console import say
from tools.toolchain.errors import UserError

SECONDS = 5.0
_METRICS = "METRICS"
_EXAMPLE = "METRICS=https://prometheus.example.com"
_PORTS = {"backend": Backend().port, "frontend": Frontend().port}


@dataclass(frozen=True, kw_only=True)
class Judging:
    """The canaries of an update that are to be judged, maybe none, and the store that has their figures."""

    source: Source | None = None
    watched: tuple[Watched, ...] = ()


class WithdrawnError(UserError):
    """Canaries that get no requests any more; `settings` are those that are deployed instead."""

    def __init__(self, settings: Config, found: str, why: str, fix: str) -> None:
        super().__init__(found, why, fix)
        self.settings = settings


def check(settings: Config) -> None:
    """Refuse a METRICS that cannot be asked, where the settings have a canary to judge.

    Raises:
        UserError: when it is no plain URL.
    """
    if canaries(settings):
        _named()


def begin(chosen: Target, releases: Releases, config: Config, suffix: str) -> Judging:
    """Return what is to be judged after an update to these settings; `suffix` follows a `make` command.

    A canary that was judged good and is deployed still is not judged again.

    Raises:
        UserError: when no store has figures of the edge: nothing has been changed then.
    """
    wanted = tuple(each for each in canaries(config) if not _is_good(releases, config, each.tier))
    if not wanted:
        return Judging()
    source = _source(chosen, suffix)
    try:
        canary.known(source)
    except (AwayError, RefusedError, UnjudgedError) as problem:
        absent = isinstance(problem, AbsentError)
        said = "nothing is routed to one" if absent else plain.line(str(problem), 400)
        raise UserError(
            f"{' and '.join(each.tier for each in wanted)}: release.canary.judge is set, and the store of "
            f"metrics has no figures: {said}",
            "a canary that is to be judged gets no requests without figures; nothing was changed",
            "have them on the local cluster: make observe; of a cluster of yours name the Prometheus API: "
            f"make up{suffix} {_EXAMPLE}; or remove judge",
        ) from problem
    return Judging(source=source, watched=wanted)


def canaries(config: Config) -> tuple[Watched, ...]:
    """Return the canaries with limits that get requests; what cannot be read the program itself refuses."""
    found = []
    for facts in TIERS:
        section = workspace.section(config, facts.name)
        port = section.get("port", _PORTS.get(facts.name))
        if not isinstance(port, int) or not isinstance(section.get("release"), Mapping):
            continue
        try:
            version = Release.model_validate(dict(section["release"])).canary
        except ValidationError:
            continue
        if version is not None and version.judge is not None and version.weight:
            found.append(
                Watched(
                    tier=facts.name,
                    namespace=str(config.get("feastflow:namespace", "")),
                    service=facts.workload,
                    port=port,
                    limits=version.judge,
                )
            )
    return tuple(found)


def watch(found: Judging, note: Callable[[str], None], suffix: str) -> str:
    """Watch the canaries to the end of their time; return their figures in words, nothing without any.

    Raises:
        WorseError, UnjudgedError: as `Watch.run`.
    """
    if found.source is None:
        return ""
    watched = Watch(source=found.source, watched=found.watched)
    try:
        watched.begin()
        return "; ".join(map(str, watched.run(note)))
    except (KeyboardInterrupt, SystemExit):
        say(
            f"the canary is not judged and keeps its requests: make up{suffix} judges it from the start, "
            f"make rollback{suffix} takes the release back"
        )
        raise


def settle(
    found: Judging,
    config: Config,
    failed: WorseError | UnjudgedError | None,
    *,
    back: Callable[[Config], None],
    ours: Callable[[], bool],
    suffix: str,
) -> None:
    """Leave no requests to canaries of which one `failed`.

    `back` deploys settings that differ in weights alone. `ours` says whether what was deployed is deployed
    still: another machine may share the state.

    Raises:
        WithdrawnError: with the figures, when they get none any more.
        UserError: when others have deployed meanwhile, or the weight could not be changed.
    """
    if not ours():
        raise UserError(
            "the stack was deployed from another machine while the canary was watched"
            + (f"\n{_words(failed)}" if failed else ""),
            "the figures are not of this release alone, and what others deployed is not changed",
            f"see what is deployed, and run it again: make preview{suffix}",
        )
    if failed:
        _withdraw(found, config, failed, back, suffix)


def note_good(found: Judging, releases: Releases, config: Config) -> None:
    """Note that these were judged good, so that the same update again does not watch them again."""
    if found.watched:
        releases.note_judged({each.tier: _digest(config, each.tier) for each in found.watched})


def without_requests(config: Config, found: Judging) -> dict[str, Any]:
    """Return the settings with the weight 0 for each of the canaries."""
    none = {"release": {"canary": {"weight": 0}}}
    return merged(config, {f"feastflow:{each.tier}": none for each in found.watched})


def _withdraw(
    found: Judging,
    config: Config,
    failed: WorseError | UnjudgedError,
    back: Callable[[Config], None],
    suffix: str,
) -> None:
    settings, said = without_requests(config, found), _words(failed)
    worse = isinstance(failed, WorseError)
    verdict = f"the canary is {'worse than release.canary.judge allows' if worse else 'not judged'}\n{said}"
    try:
        back(settings)
    except UserError as failure:
        raise UserError(
            f"{verdict}\nand its weight could not be set to 0: {failure.found}",
            "it gets its part of the requests still",
            f"take the release back: make rollback{suffix}; or {failure.fix}",
        ) from failure
    raise WithdrawnError(
        settings,
        verdict,
        "its weight is 0: its pods run and get no requests",
        f"look at its lines (make logs{suffix}), correct it or remove canary, and run make up{suffix}"
        if worse
        else f"see that requests come and the store answers, or raise weight or seconds: make up{suffix}",
    ) from failed


def _words(failed: Exception) -> str:
    return plain.line(str(failed), 1000)


def _is_good(releases: Releases, config: Config, tier: str) -> bool:
    digest = _digest(config, tier)
    return releases.judged().get(tier) == digest == _digest(releases.deployed(), tier)


def _digest(config: Config, tier: str) -> str:
    section = workspace.section(config, tier)
    return cache.key(json.dumps([config.get("feastflow:namespace"), section], sort_keys=True, default=str))


def _source(chosen: Target, suffix: str) -> Source:
    named = _named()
    if named is not None:
        return named
    if chosen.local is None:
        raise UserError(
            f"release.canary.judge is set, and nothing says where the figures of {chosen.context} are",
            "a canary that is to be judged gets no requests without figures; nothing was changed",
            f"name its Prometheus API: make up{suffix} {_EXAMPLE}; or remove judge",
        )
    return Stores(port=chosen.local.port).metrics(SECONDS)


def _named() -> Source | None:
    named = (os.environ.get(_METRICS) or "").strip()
    if not named:
        return None
    try:
        url = urlsplit(named)
        sound = url.scheme in ("http", "https") and bool(url.hostname) and (url.port or 1) > 0
    except ValueError:
        sound = False
    if not sound or url.username is not None or url.password is not None or url.query or url.fragment:
        raise UserError(
            "METRICS is no plain URL",
            "it names the Prometheus API by whose figures a canary is judged, and every user who may list "
            "processes sees it: a password does not belong in it",
            f"write it as {_EXAMPLE}",
        )
    return Source(url=named.rstrip("/"), seconds=SECONDS)
