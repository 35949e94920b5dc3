"""Levels and exemptions, from the stack's own file: `policies:levels` and `policies:exemptions`.

The pack and the program read them alike, so that what is allowed at preview is allowed in the cluster. An
exemption that has expired exempts nothing.
"""

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from .rule import Level

_LEVELS, _EXEMPTIONS, _REGISTRIES = "policies:levels", "policies:exemptions", "policies:registries"
_ALL = (_LEVELS, _EXEMPTIONS, _REGISTRIES)
# Long enough for the next version of what is exempt, short enough for its author to remember why.
LONGEST_DAYS = 180
_KEYS = ("rule", "resource", "reason", "expires")
# A name, or the prefix of a family of names: `Pod/*` would be every pod, an attacker's too.
_RESOURCE = re.compile(r"[A-Z][A-Za-z]+/([a-z0-9.:-]+|[a-z0-9][a-z0-9.-]{2,}[.-]\*)")
_REGISTRY = re.compile(r"[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9._-]+)*/?")
_EXAMPLE = (
    '{"rule": "read-only-root", "resource": "Deployment/legacy", "reason": "…", "expires": "2027-01-31"}'
)


class ConfigurationError(ValueError):
    """A setting that cannot be followed: what was found, why it matters, what to write."""

    def __init__(self, key: str, found: str, fix: str) -> None:
        why = "a rule would be enforced otherwise than you mean"
        super().__init__(f"{key}\n  found: {found}\n  why:   {why}\n  next:  {fix}")


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """One rule is not held against a resource (`Kind/name`, where * is any text) until a day."""

    rule: str
    resource: str
    reason: str
    expires: dt.date

    def covers(self, manifest: Mapping[str, Any], today: dt.date) -> bool:
        """Return True if the exemption covers this object today."""
        metadata = manifest.get("metadata")
        own = metadata.get("name") if isinstance(metadata, Mapping) else None
        named = f"{manifest.get('kind')}/{own}"
        return isinstance(own, str) and today <= self.expires and fnmatchcase(named, self.resource)


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """A stack's own settings of the rules: levels, exemptions and registries."""

    levels: Mapping[str, Level] = field(default_factory=dict)
    exemptions: tuple[Exemption, ...] = ()
    # Prefixes of images that may run; none: any image.
    registries: tuple[str, ...] = ()

    def exempt(self, rule: str, manifest: Mapping[str, Any], today: dt.date) -> bool:
        """Return True if an exemption frees this object from the rule."""
        return any(entry.rule == rule and entry.covers(manifest, today) for entry in self.exemptions)


def parse(raw: Mapping[str, str], known: Iterable[str], today: dt.date | None = None) -> Configuration:
    """Return the configuration, from full keys and texts as the engine has them; `known` are the rules' ids.

    Exemptions end at most `LONGEST_DAYS` after `today`, which is the present day of UTC if not given.

    Raises:
        ConfigurationError: when a setting cannot be followed.
    """
    rules, today = sorted(known), today or dt.datetime.now(tz=dt.UTC).date()
    for key in raw:
        if key.startswith("policies:") and key not in _ALL:
            raise ConfigurationError(
                key,
                "a key that does not exist",
                f"pulumi config rm {key} (known here: {', '.join(_ALL)})",
            )
    levels = _decoded(raw, _LEVELS, {})
    exemptions = _decoded(raw, _EXEMPTIONS, [])
    return Configuration(
        levels={rule: _level(rule, value, rules) for rule, value in levels.items()},
        exemptions=tuple(_exemption(index, entry, rules, today) for index, entry in enumerate(exemptions)),
        registries=tuple(_registry(entry) for entry in _decoded(raw, _REGISTRIES, [])),
    )


def _decoded(raw: Mapping[str, str], key: str, empty: Any) -> Any:
    try:
        value = json.loads(raw.get(key) or json.dumps(empty))
    except ValueError:
        value = raw[key]
    if isinstance(value, type(empty)):
        return value
    kind = "an object, such as {ingress-tls: mandatory}" if empty == {} else f"a list, such as [{_EXAMPLE}]"
    raise ConfigurationError(key, json.dumps(value)[:80], f"in the stack's file, make it {kind}")


def _level(rule: str, value: object, rules: list[str]) -> Level:
    key = f"{_LEVELS}.{rule}"
    if rule not in rules:
        raise ConfigurationError(key, "a rule that does not exist", f"choose from: {', '.join(rules)}")
    level, reason = value, ""
    if isinstance(value, dict) and set(value) <= {"level", "reason"}:
        level, reason = value.get("level"), str(value.get("reason") or "")
    if level not in list(Level):
        raise ConfigurationError(key, json.dumps(value), f"choose from: {', '.join(Level)}")
    if level == Level.DISABLED and not reason.strip():
        fix = f'say why, so that a reviewer can agree: {{"{rule}": {{"level": "disabled", "reason": "…"}}}}'
        raise ConfigurationError(key, "disabled without a reason", fix)
    return Level(str(level))


def _registry(entry: object) -> str:
    if not isinstance(entry, str) or not _REGISTRY.fullmatch(entry):
        fix = "write what images begin with, such as ghcr.io/my-team or registry.example.com:5000"
        raise ConfigurationError(_REGISTRIES, json.dumps(entry)[:80], fix)
    # Without the slash registry.example.com would allow registry.example.com.evil.example.
    return entry.rstrip("/") + "/"


def _exemption(index: int, entry: object, rules: list[str], today: dt.date) -> Exemption:
    key = f"{_EXEMPTIONS}[{index}]"
    if not isinstance(entry, dict) or set(entry) != set(_KEYS):
        found = ", ".join(sorted(entry)) if isinstance(entry, dict) else json.dumps(entry)
        raise ConfigurationError(key, found, f"give it exactly {', '.join(_KEYS)}: {_EXAMPLE}")
    if entry["rule"] not in rules:
        raise ConfigurationError(f"{key}.rule", str(entry["rule"]), f"choose from: {', '.join(rules)}")
    if not _RESOURCE.fullmatch(str(entry["resource"])):
        fix = "name one as Kind/name, such as Deployment/legacy, or a family, such as Job/migrate-*"
        raise ConfigurationError(f"{key}.resource", str(entry["resource"]), fix)
    if not str(entry["reason"] or "").strip():
        raise ConfigurationError(f"{key}.reason", "nothing", "say why, so that a reviewer can agree")
    try:
        # YAML reads a day without quotes as a timestamp, and the engine writes it as one.
        expires = dt.date.fromisoformat(str(entry["expires"]).removesuffix(" 00:00:00 +0000 UTC"))
    except ValueError:
        found, fix = str(entry["expires"]), "write the last day as YYYY-MM-DD, such as 2030-01-31"
        raise ConfigurationError(f"{key}.expires", found, fix) from None
    last = today + dt.timedelta(days=LONGEST_DAYS)
    if expires > last:
        fix = f"choose a day until {last}: {LONGEST_DAYS} days ahead, then decide again"
        raise ConfigurationError(f"{key}.expires", str(expires), fix)
    return Exemption(
        rule=entry["rule"], resource=entry["resource"], reason=str(entry["reason"]), expires=expires
    )
