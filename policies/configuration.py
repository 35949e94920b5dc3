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

_LEVELS, _EXEMPTIONS = "policies:levels", "policies:exemptions"
_KEYS = ("rule", "resource", "reason", "expires")
_RESOURCE = re.compile(r"[A-Z][A-Za-z]+/[a-z0-9*.-]+")
_EXAMPLE = (
    '{"rule": "read-only-root", "resource": "Deployment/legacy", "reason": "…", "expires": "2030-01-31"}'
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
        """Whether it exempts this object today."""
        metadata = manifest.get("metadata")
        own = metadata.get("name") if isinstance(metadata, Mapping) else None
        named = f"{manifest.get('kind')}/{own}"
        return isinstance(own, str) and today <= self.expires and fnmatchcase(named, self.resource)


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What a stack's file says about the rules."""

    levels: Mapping[str, Level] = field(default_factory=dict)
    exemptions: tuple[Exemption, ...] = ()

    def exempt(self, rule: str, manifest: Mapping[str, Any], today: dt.date) -> bool:
        """Whether the rule is not held against this object."""
        return any(entry.rule == rule and entry.covers(manifest, today) for entry in self.exemptions)


def parse(raw: Mapping[str, str], known: Iterable[str]) -> Configuration:
    """The configuration, from full keys and texts as the engine has them; `known` are the rules' ids.

    Raises:
        ConfigurationError: when a setting cannot be followed.
    """
    rules = sorted(known)
    for key in raw:
        if key.startswith("policies:") and key not in (_LEVELS, _EXEMPTIONS):
            raise ConfigurationError(
                key,
                "a key that does not exist",
                f"pulumi config rm {key} (known here: {_LEVELS}, {_EXEMPTIONS})",
            )
    levels = _decoded(raw, _LEVELS, {})
    exemptions = _decoded(raw, _EXEMPTIONS, [])
    return Configuration(
        levels={rule: _level(rule, value, rules) for rule, value in levels.items()},
        exemptions=tuple(_exemption(index, entry, rules) for index, entry in enumerate(exemptions)),
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
    if value not in list(Level):
        raise ConfigurationError(key, json.dumps(value), f"choose from: {', '.join(Level)}")
    return Level(str(value))


def _exemption(index: int, entry: object, rules: list[str]) -> Exemption:
    key = f"{_EXEMPTIONS}[{index}]"
    if not isinstance(entry, dict) or set(entry) != set(_KEYS):
        found = ", ".join(sorted(entry)) if isinstance(entry, dict) else json.dumps(entry)
        raise ConfigurationError(key, found, f"give it exactly {', '.join(_KEYS)}: {_EXAMPLE}")
    if entry["rule"] not in rules:
        raise ConfigurationError(f"{key}.rule", str(entry["rule"]), f"choose from: {', '.join(rules)}")
    if not _RESOURCE.fullmatch(str(entry["resource"])):
        fix = "name one as Kind/name, such as Deployment/legacy or Job/migrate-*"
        raise ConfigurationError(f"{key}.resource", str(entry["resource"]), fix)
    if not str(entry["reason"] or "").strip():
        raise ConfigurationError(f"{key}.reason", "nothing", "say why, so that a reviewer can agree")
    try:
        # YAML takes a day without quotes for a moment, and the engine writes it out as one.
        expires = dt.date.fromisoformat(str(entry["expires"]).removesuffix(" 00:00:00 +0000 UTC"))
    except ValueError:
        found, fix = str(entry["expires"]), "write the last day as YYYY-MM-DD, such as 2030-01-31"
        raise ConfigurationError(f"{key}.expires", found, fix) from None
    return Exemption(
        rule=entry["rule"], resource=entry["resource"], reason=str(entry["reason"]), expires=expires
    )
