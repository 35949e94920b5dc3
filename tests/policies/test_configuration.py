"""A stack's settings of the rules: what is accepted, and what is refused with the way out."""

import datetime as dt
import json
from typing import Any

import pytest

from policies.configuration import LONGEST_DAYS, ConfigurationError, parse
from policies.rule import Level

_TODAY = dt.date(2026, 11, 29)
_RULES = ("seccomp", "spread")


def _parsed(key: str, value: Any) -> Any:
    return parse({f"policies:{key}": json.dumps(value)}, _RULES, _TODAY)


def _refused(key: str, value: Any) -> str:
    with pytest.raises(ConfigurationError) as error:
        _parsed(key, value)
    return str(error.value)


def _exemption(**changed: str) -> list[dict[str, str]]:
    given = {"rule": "seccomp", "resource": "Pod/legacy", "reason": "until it goes", "expires": "2026-12-31"}
    return [{**given, **changed}]


def test_an_exemption_ends_at_most_180_days_ahead() -> None:
    last = _TODAY + dt.timedelta(days=LONGEST_DAYS)
    (entry,) = _parsed("exemptions", _exemption(expires=last.isoformat())).exemptions
    assert (LONGEST_DAYS, entry.expires) == (180, last)
    after = (last + dt.timedelta(days=1)).isoformat()
    assert f"choose a day until {last}" in _refused("exemptions", _exemption(expires=after))
    assert "policies:exemptions[0].expires" in _refused("exemptions", _exemption(expires="9999-12-31"))


@pytest.mark.parametrize("name", ["*", "**", "a*", "*-web", "w*b", "*.*", "web*", "-*", "a-*", "*-*"])
def test_an_exemption_names_an_object_or_a_family_and_not_a_whole_kind(name: str) -> None:
    assert "such as Deployment/legacy" in _refused("exemptions", _exemption(resource=f"Pod/{name}"))


@pytest.mark.parametrize("name", ["legacy", "migrate-*", "web.example.com", "shop.*", "legacy-1"])
def test_an_exemption_may_name_one_object_or_a_family(name: str) -> None:
    assert _parsed("exemptions", _exemption(resource=f"Job/{name}")).exemptions[0].resource == f"Job/{name}"


@pytest.mark.parametrize("value", ["disabled", {"level": "disabled"}, {"level": "disabled", "reason": "  "}])
def test_a_rule_is_not_disabled_without_a_reason(value: object) -> None:
    assert "found: disabled without a reason" in _refused("levels", {"seccomp": value})


def test_a_rule_is_disabled_with_a_reason_and_other_levels_need_none() -> None:
    levels = {"seccomp": {"level": "disabled", "reason": "the nodes have none"}, "spread": "advisory"}
    assert _parsed("levels", levels).levels == {"seccomp": Level.DISABLED, "spread": Level.ADVISORY}


def test_a_registry_is_what_images_begin_with_up_to_a_slash() -> None:
    given = ["ghcr.io/team", "registry.example.com:5000", "docker.io/"]
    assert _parsed("registries", given).registries == (
        "ghcr.io/team/",
        "registry.example.com:5000/",
        "docker.io/",
    )
    assert "policies:registries" in _refused("registries", ["https://ghcr.io"])
    assert "policies:registries" in _refused("registries", [""])
